// The waiting room: one's own picture and sound, the devices, and what one is waiting for.
import { playTestTone, watchSoundLevel } from "../media/audio_mixer.js";
import { formatTimeUntil, pageFacts, pageText } from "../page_text.js";

const byId = (id) => document.getElementById(id);

export class WaitingRoom {
  constructor(room) {
    this._room = room;
    this._section = byId("lobby");
    this._button = this._section.querySelector('[data-do="enter"]');
    this._heard = false;
    this._deviceLists = document.querySelectorAll("[data-devices]");
    for (const list of this._deviceLists) {
      list
        .querySelectorAll("[data-device]")
        .forEach((one) =>
          one.addEventListener("change", () =>
            room.devices
              .choose(one.dataset.device, one.value)
              .catch(() => room.flash(pageText("noDevices"))),
          ),
        );
    }
    this._section.querySelector('[data-do="tone"]').addEventListener("click", () => this._tone());
    room.devices.addEventListener("list", () => this._list());
    setInterval(
      () => this._room.phase === "lobby" && this._room.state && this.update(this._room.state),
      15000,
    );
  }

  show() {
    this._room.phase = document.getElementById("main").dataset.phase = "lobby";
    this._section.hidden = false;
    this.devicesChanged();
    this._list();
    if (this._room.state) this.update(this._room.state);
  }

  hide() {
    this._section.hidden = true;
    this._stopLevel?.();
    this._stopLevel = null;
  }

  say(sentence) {
    byId("lobby-status").textContent = sentence;
  }

  update(state) {
    if (this._room.phase !== "lobby") return;
    const { you, seats } = state;
    const waits = you.entered && !you.admitted;
    const opens = Date.parse(pageFacts.opensAt) > Date.now();
    this._button.disabled = opens || waits;
    this._button.textContent = pageText(
      waits ? "ready" : you.canAdmit || you.admitted ? "enterNow" : "ready",
    );
    this._button.toggleAttribute("data-waiting", waits);
    const doctor = seats.some((seat) => seat.role === "specialist" && seat.place === "in");
    if (opens) this.say(pageText("notOpenYet", { when: formatTimeUntil(pageFacts.opensAt) }));
    else if (waits) this.say(pageText(doctor ? "doctorIsHere" : "waitToBeLetIn"));
    else if (Date.parse(pageFacts.startsAt) > Date.now() + 60000)
      this.say(pageText("startsIn", { when: formatTimeUntil(pageFacts.startsAt) }));
    else this.say(pageText("startsNow"));
    if (state.interpreterSought) this.say(pageText("sought"));
  }

  devicesChanged() {
    const { devices } = this._room;
    const preview = byId("preview");
    this._room.call.ownTracks();
    if (preview.srcObject !== this._room.call.own.stream)
      preview.srcObject = this._room.call.own.stream;
    if (devices.camera) preview.play().catch(() => {});
    byId("preview-off").hidden = Boolean(devices.camera);
    const trouble = byId("device-trouble");
    trouble.hidden = !devices.trouble;
    trouble.textContent = devices.trouble ? pageText(devices.trouble) : "";
    this._level();
  }

  _level() {
    const { mic } = this._room.devices;
    if (this._room.phase !== "lobby" || mic === this._watched) return;
    this._stopLevel?.();
    this._watched = mic;
    if (!mic) return;
    this._context ??= new AudioContext();
    const stop = watchSoundLevel(this._context, mic, (level) => {
      byId("level").value = level;
      this._heard ||= level > 0.1;
      const words = pageText(this._heard ? "levelHeard" : "levelSilent");
      if (byId("level-words").textContent !== words) byId("level-words").textContent = words;
    });
    this._stopLevel = () => {
      stop();
      this._watched = null;
    };
  }

  async _tone() {
    this._context ??= new AudioContext();
    const speaker = this._room.devices.chosen.audiooutput;
    if (speaker && this._context.setSinkId) await this._context.setSinkId(speaker).catch(() => {});
    await playTestTone(this._context);
  }

  async _list() {
    const found = await this._room.devices.list();
    const { mic, camera, chosen } = this._room.devices;
    const current = {
      audioinput: mic?.getSettings().deviceId,
      videoinput: camera?.getSettings().deviceId,
      audiooutput: chosen.audiooutput,
    };
    for (const list of this._deviceLists) {
      for (const select of list.querySelectorAll("[data-device]")) {
        const kind = select.dataset.device;
        const options = found.filter((device) => device.kind === kind && device.deviceId);
        select.replaceChildren(
          ...options.map(
            (device, n) =>
              new Option(
                device.label || pageText("defaultDevice", { count: n + 1 }),
                device.deviceId,
                false,
                device.deviceId === (current[kind] ?? chosen[kind]),
              ),
          ),
        );
        select.disabled = options.length === 0;
      }
      const canChooseSpeaker =
        "setSinkId" in AudioContext.prototype &&
        found.some((device) => device.kind === "audiooutput");
      list.querySelector("[data-speaker]").hidden = !canChooseSpeaker;
    }
  }
}
