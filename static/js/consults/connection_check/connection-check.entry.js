// The test before the meeting: camera, microphone, speaker, and ten seconds through a real media node.
//
// For tests: #check has data-state idle | running | done | failed; check-start, heard-yes, heard-no, check-verdict
// (data-verdict: video | audio | poor), check-advice, check-numbers.
import { io } from "socket.io-client";
import { RequestRefused } from "../../shared/requests.js";
import { playTestTone, watchSoundLevel } from "../media/audio_mixer.js";
import { LocalDevices } from "../media/local_devices.js";
import { MediaConnection } from "../media/media_connection.js";
import { pageFacts, pageText } from "../page_text.js";

const LOOP_SECONDS = 10;
const byId = (id) => document.getElementById(id);
const page = byId("check");

class ConnectionCheck {
  constructor() {
    this.devices = new LocalDevices();
    this.heard = null;
    this.loudest = 0;
    byId("check-start").addEventListener("click", () => this.run());
    byId("check-tone").addEventListener("click", () => playTestTone(this.context));
    page
      .querySelectorAll("[data-heard]")
      .forEach((one) => one.addEventListener("click", () => this._heardIt(one)));
  }

  async run() {
    page.dataset.state = "running";
    byId("check-start").disabled = true;
    byId("check-result").hidden = true;
    byId("check-steps").hidden = false;
    this.context ??= new AudioContext();
    playTestTone(this.context);
    byId("check-status").textContent = pageText("devices");
    await this.devices.open();
    this._show();
    let found = {};
    try {
      found = await this._loop();
    } catch (error) {
      byId("check-status").textContent = pageText("failed", { why: error.message });
    }
    await this._finish(found);
  }

  _show() {
    const { camera, mic } = this.devices;
    byId("check-preview").srcObject = camera ? new MediaStream([camera]) : null;
    byId("check-camera").textContent = pageText(camera ? "cameraOk" : "cameraNo");
    byId("check-mic").textContent = pageText(mic ? "levelSilent" : "micNo");
    this._stopLevel?.();
    if (!mic) return;
    this._stopLevel = watchSoundLevel(this.context, mic, (level) => {
      byId("check-level").value = level;
      this.loudest = Math.max(this.loudest, level);
      if (this.loudest > 0.1) byId("check-mic").textContent = pageText("levelHeard");
    });
  }

  /** Ten seconds of one's own sound and picture, sent to a node and back. */
  async _loop() {
    byId("check-status").textContent = pageText("connecting");
    const socket = (this.socket ??= io("/consult", { transports: ["websocket", "polling"] }));
    const link = (this.link = new MediaConnection({
      signal: (...offer) => this._signal(socket, ...offer),
      slots: 1,
      iceServers: pageFacts.iceServers,
    }));
    const { mic, camera } = this.devices;
    await Promise.race([
      link.start({ mic, camera }),
      new Promise((_, no) => setTimeout(() => no(new Error(pageText("advice_blocked"))), 15000)),
    ]);
    const first = await link.stats();
    const rates = { up: [], down: [], rtt: [] };
    for (let second = 1; second <= LOOP_SECONDS; second += 1) {
      byId("check-status").textContent = pageText("running", { count: LOOP_SECONDS - second + 1 });
      await new Promise((done) => setTimeout(done, 1000));
      byId("check-progress").value = second;
      const now = await link.stats();
      rates.up.push(now.availableOutgoing ?? 0);
      rates.down.push(now.slots[0]?.video.bitrate ?? 0);
      if (now.rttMs != null) rates.rtt.push(now.rttMs);
      this.last = now;
    }
    const [was, is] = [first.slots[0], this.last.slots[0]];
    const sum = (one) => ({
      packets: one.audio.packets + one.video.packets,
      lost: one.audio.lost + one.video.lost,
    });
    const packets = sum(is).packets - sum(was).packets;
    const lost = Math.max(0, sum(is).lost - sum(was).lost);
    const down = best(rates.down);
    // Without a camera no picture comes back: the estimate of the way up is all there is.
    return {
      rtt_ms: median(rates.rtt),
      loss: packets + lost ? lost / (packets + lost) : 1,
      rate_up: Math.round(best(rates.up)),
      rate_down: Math.round(
        camera ? Math.max(down, Math.min(best(rates.up), down * 1.5)) : best(rates.up),
      ),
    };
  }

  async _signal(socket, sdp, lines, connection) {
    const answer = await socket
      .timeout(10000)
      .emitWithAck("check.offer", { booking: pageFacts.booking, sdp, lines, connection });
    if (answer.error)
      throw Object.assign(new RequestRefused(answer.error, answer.status), {
        final: answer.status < 500,
      });
    this.check = answer.check;
    return answer.sdp;
  }

  async _finish(found) {
    this.link?.close();
    this._stopLevel?.();
    const { camera, mic } = this.devices;
    const measured = {
      camera: Boolean(camera),
      microphone: Boolean(mic),
      speaker: this.heard,
      ...found,
    };
    this.devices.close();
    byId("check-start").disabled = false;
    const answer =
      this.check &&
      (await this.socket
        .timeout(5000)
        .emitWithAck("check.done", { check: this.check, ...measured })
        .catch(() => null));
    page.dataset.state = answer?.verdict ? "done" : "failed";
    byId("check-result").hidden = false;
    byId("check-status").textContent = "";
    this._tell(answer?.verdict ?? "poor", answer?.advice ?? ["blocked"]);
    if (found.rtt_ms == null) return;
    byId("check-numbers").textContent = pageText("numbers", {
      rtt: Math.round(found.rtt_ms),
      loss: Math.round(found.loss * 100),
      up: Math.round(found.rate_up / 1000),
      down: Math.round(found.rate_down / 1000),
    });
  }

  _tell(verdict, advice) {
    byId("check-verdict").textContent = pageText(`verdict_${verdict}`);
    byId("check-verdict").dataset.verdict = verdict;
    byId("check-advice").replaceChildren(
      ...advice.map((name) =>
        Object.assign(document.createElement("li"), { textContent: pageText(`advice_${name}`) }),
      ),
    );
  }

  _heardIt(button) {
    this.heard = button.dataset.heard === "yes";
    page
      .querySelectorAll("[data-heard]")
      .forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
  }
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
}

/** What the line gave in its better half: the first seconds are still finding their way up. */
function best(values) {
  const sorted = [...values].sort((one, other) => other - one);
  return median(sorted.slice(0, Math.ceil(sorted.length / 2))) ?? 0;
}

new ConnectionCheck();
