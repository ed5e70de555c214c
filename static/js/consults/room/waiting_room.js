// The waiting room: one's own picture and sound, the devices, and what one is waiting for.
import { elementById, findElement, findElements } from "../../shared/dom.js";
import { chooseSpeaker } from "../media/audio_mixer.js";
import { playTestTone, watchSoundLevel } from "../media/sound_check.js";
import { formatTimeUntil, pageFacts, pageText } from "../page_text.js";

const REFRESH_MS = 15000;
const HEARD_LEVEL = 0.1;
const SOON_MS = 60000;

/** @typedef {import("../media/local_devices.js").DeviceKind} DeviceKind */
/** @typedef {import("../room_state.d.ts").RoomState} RoomState */

export class WaitingRoom {
  /** @type {AudioContext | undefined} */
  _context;
  /** @type {(() => void) | null} */
  _stopLevel = null;
  /** @type {MediaStreamTrack | null} the microphone whose level is shown */
  _watched = null;
  _wasHeard = false;

  /** @param {import("./consult_room.js").ConsultRoom} room */
  constructor(room) {
    this._room = room;
    this._section = elementById("lobby");
    this._enter = findElement(this._section, '[data-do="enter"]', HTMLButtonElement);
    this._deviceLists = findElements(document, "[data-devices]");
    for (const list of this._deviceLists) {
      for (const select of deviceSelects(list)) {
        select.addEventListener("change", () => this._choose(select));
      }
    }
    findElement(this._section, '[data-do="tone"]').addEventListener("click", () => this._tone());
    room.devices.on("list", () => this._listDevices());
    setInterval(() => room.state && this.update(room.state), REFRESH_MS);
  }

  show() {
    this._room.setPhase("lobby");
    this._section.hidden = false;
    this.devicesChanged();
    this._listDevices();
    if (this._room.state) this.update(this._room.state);
  }

  hide() {
    this._section.hidden = true;
    this._stopLevel?.();
    this._stopLevel = null;
  }

  /** @param {string} sentence */
  say(sentence) {
    elementById("lobby-status").textContent = sentence;
  }

  /** @param {RoomState} state */
  update(state) {
    if (this._room.phase !== "lobby") return;
    const { you } = state;
    const isWaiting = you.entered && !you.admitted;
    this._enter.disabled = isNotOpenYet() || isWaiting;
    const mayEnter = !isWaiting && (you.canAdmit || you.admitted);
    this._enter.textContent = pageText(mayEnter ? "enterNow" : "ready");
    this._enter.toggleAttribute("data-waiting", isWaiting);
    this.say(state.interpreterSought ? pageText("sought") : statusWords(state));
  }

  devicesChanged() {
    const { call, devices } = this._room;
    const preview = elementById("preview", HTMLVideoElement);
    call.takeOwnTracks();
    if (preview.srcObject !== call.own.stream) preview.srcObject = call.own.stream;
    if (devices.camera) preview.play().catch(() => {});
    elementById("preview-off").hidden = Boolean(devices.camera);
    const trouble = elementById("device-trouble");
    trouble.hidden = !devices.trouble;
    trouble.textContent = devices.trouble ? pageText(devices.trouble) : "";
    this._showLevel();
  }

  _showLevel() {
    const { mic } = this._room.devices;
    if (this._room.phase !== "lobby" || mic === this._watched) return;
    this._stopLevel?.();
    this._watched = mic;
    if (!mic) return;
    this._context ??= new AudioContext();
    const stop = watchSoundLevel(this._context, mic, (level) => {
      elementById("level", HTMLMeterElement).value = level;
      this._wasHeard ||= level > HEARD_LEVEL;
      const words = pageText(this._wasHeard ? "levelHeard" : "levelSilent");
      const place = elementById("level-words");
      if (place.textContent !== words) place.textContent = words;
    });
    this._stopLevel = () => {
      stop();
      this._watched = null;
    };
  }

  async _tone() {
    this._context ??= new AudioContext();
    const speaker = this._room.devices.chosen.audiooutput;
    if (speaker) await chooseSpeaker(this._context, speaker);
    await playTestTone(this._context);
  }

  /** @param {HTMLSelectElement} select */
  async _choose(select) {
    const { devices } = this._room;
    await devices
      .choose(kindOf(select), select.value)
      .catch(() => this._room.flash(pageText("noDevices")));
  }

  async _listDevices() {
    const available = await this._room.devices.list();
    const { mic, camera, chosen } = this._room.devices;
    const current = {
      audioinput: mic?.getSettings().deviceId ?? chosen.audioinput,
      videoinput: camera?.getSettings().deviceId ?? chosen.videoinput,
      audiooutput: chosen.audiooutput,
    };
    const canChooseSpeaker =
      "setSinkId" in AudioContext.prototype && available.some(({ kind }) => kind === "audiooutput");
    for (const list of this._deviceLists) {
      for (const select of deviceSelects(list)) {
        const kind = kindOf(select);
        const options = available
          .filter((device) => device.kind === kind && device.deviceId)
          .map(({ label, deviceId }, n) => {
            const words = label || pageText("defaultDevice", { count: n + 1 });
            return new Option(words, deviceId, false, deviceId === current[kind]);
          });
        select.replaceChildren(...options);
        select.disabled = options.length === 0;
      }
      findElement(list, "[data-speaker]").hidden = !canChooseSpeaker;
    }
  }
}

function isNotOpenYet() {
  return Date.parse(pageFacts.opensAt) > Date.now();
}

/** @param {RoomState} state */
function statusWords({ you, seats }) {
  const { opensAt, startsAt } = pageFacts;
  if (isNotOpenYet()) return pageText("notOpenYet", { when: formatTimeUntil(opensAt) });
  if (you.entered && !you.admitted) {
    const isDoctorIn = seats.some(({ role, place }) => role === "specialist" && place === "in");
    return pageText(isDoctorIn ? "doctorIsHere" : "waitToBeLetIn");
  }
  if (Date.parse(startsAt) > Date.now() + SOON_MS) {
    return pageText("startsIn", { when: formatTimeUntil(startsAt) });
  }
  return pageText("startsNow");
}

/** @param {HTMLElement} list */
function deviceSelects(list) {
  return findElements(list, "[data-device]", HTMLSelectElement);
}

/** @param {HTMLSelectElement} select */
function kindOf(select) {
  return /** @type {DeviceKind} */ (select.dataset.device);
}
