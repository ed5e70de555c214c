// The test before the consult: camera, microphone, speaker, and ten seconds through a real media
// node.
//
// For tests: #check has data-state idle | running | done | failed; check-start, heard-yes,
// heard-no, check-verdict (data-verdict: video | audio | poor), check-advice, check-numbers.
import { io } from "socket.io-client";
import { elementById, findElements } from "../../shared/dom.js";
import { asError, RequestRefused } from "../../shared/requests.js";
import { LocalDevices } from "../media/local_devices.js";
import { MediaConnection } from "../media/media_connection.js";
import { playTestTone, watchSoundLevel } from "../media/sound_check.js";
import { pageFacts, pageText } from "../page_text.js";
import { bitratesOf, lossBetween, median } from "./measurements.js";

const MEASURED_SECONDS = 10;
const CONNECT_LIMIT_MS = 15000;
const OFFER_LIMIT_MS = 10000;
const RESULT_LIMIT_MS = 5000;
const HEARD_LEVEL = 0.1;

/**
 * @typedef {{ rtt_ms: number | null, loss: number, rate_up: number, rate_down: number }} Measured
 */

export class ConnectionCheck {
  devices = new LocalDevices();
  /** @type {AudioContext | undefined} */
  _context;
  /** @type {import("socket.io-client").Socket | undefined} */
  _socket;
  /** @type {MediaConnection | undefined} */
  _connection;
  /** @type {string | undefined} the server's name for this check */
  _checkId;
  /** @type {(() => void) | undefined} */
  _stopLevel;
  /** @type {boolean | null} whether the person has heard the tone; null until they say */
  _hasHeardTone = null;
  _loudest = 0;

  constructor() {
    this._page = elementById("check");
    this._start = elementById("check-start", HTMLButtonElement);
    this._status = elementById("check-status");
    this._answers = findElements(this._page, "[data-heard]");
    this._start.addEventListener("click", () => this.run());
    elementById("check-tone").addEventListener("click", () => playTestTone(this.context));
    for (const button of this._answers) {
      button.addEventListener("click", () => this._answerTone(button));
    }
  }

  get context() {
    this._context ??= new AudioContext();
    return this._context;
  }

  async run() {
    this._page.dataset.state = "running";
    this._start.disabled = true;
    elementById("check-result").hidden = true;
    elementById("check-steps").hidden = false;
    playTestTone(this.context);
    this._status.textContent = pageText("devices");
    await this.devices.open();
    this._showDevices();
    /** @type {Measured | null} */
    let measured = null;
    try {
      measured = await this._measure();
    } catch (error) {
      this._status.textContent = pageText("failed", { why: asError(error).message });
    }
    await this._finish(measured);
  }

  _showDevices() {
    const { camera, mic } = this.devices;
    const preview = elementById("check-preview", HTMLVideoElement);
    preview.srcObject = camera ? new MediaStream([camera]) : null;
    elementById("check-camera").textContent = pageText(camera ? "cameraOk" : "cameraNo");
    elementById("check-mic").textContent = pageText(mic ? "levelSilent" : "micNo");
    this._stopLevel?.();
    if (!mic) return;
    this._stopLevel = watchSoundLevel(this.context, mic, (level) => {
      elementById("check-level", HTMLMeterElement).value = level;
      this._loudest = Math.max(this._loudest, level);
      if (this._loudest > HEARD_LEVEL) {
        elementById("check-mic").textContent = pageText("levelHeard");
      }
    });
  }

  /**
   * Ten seconds of one's own sound and picture, sent to a node and back.
   * @returns {Promise<Measured>}
   */
  async _measure() {
    this._status.textContent = pageText("connecting");
    this._socket ??= io("/consult", { transports: ["websocket", "polling"] });
    const socket = this._socket;
    const connection = new MediaConnection({
      signal: (sdp, mids, id) => this._signal(socket, sdp, mids, id),
      slots: 1,
      iceServers: pageFacts.iceServers,
    });
    this._connection = connection;
    const { mic, camera } = this.devices;
    const blocked = new Error(pageText("advice_blocked"));
    const limit = wait(CONNECT_LIMIT_MS).then(() => Promise.reject(blocked));
    await Promise.race([connection.start({ mic, camera }), limit]);
    const before = (await connection.stats()).slots[0];
    let after = before;
    /** @type {number[]} */
    const upBitrates = [];
    /** @type {number[]} */
    const downBitrates = [];
    /** @type {number[]} */
    const rttsMs = [];
    for (let second = 1; second <= MEASURED_SECONDS; second += 1) {
      this._status.textContent = pageText("running", { count: MEASURED_SECONDS - second + 1 });
      await wait(1000);
      elementById("check-progress", HTMLProgressElement).value = second;
      const now = await connection.stats();
      upBitrates.push(now.availableOutgoing ?? 0);
      downBitrates.push(now.slots[0]?.video.bitrate ?? 0);
      if (now.rttMs != null) rttsMs.push(now.rttMs);
      after = now.slots[0];
    }
    const bitrates = bitratesOf({ upBitrates, downBitrates }, Boolean(camera));
    return { rtt_ms: median(rttsMs), loss: lossBetween(before, after), ...bitrates };
  }

  /**
   * @param {import("socket.io-client").Socket} socket
   * @param {string} sdp
   * @param {import("../media/media_connection.js").TransceiverMids} mids
   * @param {string} connectionId
   */
  async _signal(socket, sdp, mids, connectionId) {
    const offer = { booking: pageFacts.booking, sdp, lines: mids, connection: connectionId };
    const answer = await socket.timeout(OFFER_LIMIT_MS).emitWithAck("check.offer", offer);
    if (answer.error) {
      const refusal = new RequestRefused(answer.error, answer.status);
      refusal.final = answer.status < 500;
      throw refusal;
    }
    this._checkId = answer.check;
    return answer.sdp;
  }

  /** @param {Measured | null} measured null when no connection came about */
  async _finish(measured) {
    this._connection?.close();
    this._stopLevel?.();
    const { camera, mic } = this.devices;
    const result = {
      check: this._checkId,
      camera: Boolean(camera),
      microphone: Boolean(mic),
      speaker: this._hasHeardTone,
      ...measured,
    };
    this.devices.close();
    this._start.disabled = false;
    const answer = this._checkId
      ? await this._socket
          ?.timeout(RESULT_LIMIT_MS)
          .emitWithAck("check.done", result)
          .catch(() => null)
      : null;
    this._page.dataset.state = answer?.verdict ? "done" : "failed";
    elementById("check-result").hidden = false;
    this._status.textContent = "";
    this._showVerdict(answer?.verdict ?? "poor", answer?.advice ?? ["blocked"]);
    if (measured?.rtt_ms == null) return;
    elementById("check-numbers").textContent = pageText("numbers", {
      rtt: Math.round(measured.rtt_ms),
      loss: Math.round(measured.loss * 100),
      up: Math.round(measured.rate_up / 1000),
      down: Math.round(measured.rate_down / 1000),
    });
  }

  /**
   * @param {"video" | "audio" | "poor"} verdict
   * @param {string[]} advice names of sentences
   */
  _showVerdict(verdict, advice) {
    const place = elementById("check-verdict");
    place.textContent = pageText(`verdict_${verdict}`);
    place.dataset.verdict = verdict;
    const items = advice.map((name) => {
      const item = document.createElement("li");
      item.textContent = pageText(`advice_${name}`);
      return item;
    });
    elementById("check-advice").replaceChildren(...items);
  }

  /** @param {HTMLElement} pressed */
  _answerTone(pressed) {
    this._hasHeardTone = pressed.dataset.heard === "yes";
    for (const button of this._answers) {
      button.setAttribute("aria-pressed", String(button === pressed));
    }
  }
}

/** @param {number} ms */
function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
