// The bar under the pictures and the panel of devices: what a person does with their own
// microphone, camera and screen.
import {
  closestElement,
  elementById,
  eventElement,
  findElement,
  findElements,
} from "../../shared/dom.js";
import { asError } from "../../shared/requests.js";
import { announce, pageText } from "../page_text.js";

/** @type {Record<string, string>} */
const KEYS = { m: "mic", v: "camera", c: "chat", p: "people", a: "ask", s: "screen" };
const RETURN_KEY = "consult-return";
const CONFLICT = 409;

/** @typedef {import("../media/local_devices.js").LocalTrackName} LocalTrackName */

export class ControlBar {
  /** @type {string | null} what the server was told last, as JSON */
  _told = null;

  /**
   * @param {import("./consult_room.js").ConsultRoom} room
   * @param {HTMLElement} main
   */
  constructor(room, main) {
    this._room = room;
    this._main = main;
    this._wireEntering();
    this._wireOwnDevices();
    this._wireSettings();
    this._wirePanels();
    document.addEventListener("keydown", (event) => this._keyPressed(event));
    room.devices.on("change", ({ kind }) => this._devicesChanged(kind));
  }

  /** Tells the server what is sent from here now. */
  async tellDevices({ always = false } = {}) {
    const { devices, signalling, phase } = this._room;
    const now = {
      mic: devices.micOn && Boolean(devices.mic),
      camera: Boolean(devices.camera),
      sharing: Boolean(devices.screen),
    };
    const told = JSON.stringify(now);
    if (phase !== "room" || (!always && told === this._told)) return;
    this._told = told;
    try {
      await signalling.request("media.devices", now);
    } catch (thrown) {
      const { status, message } = asError(thrown);
      this._told = null;
      if (status !== CONFLICT || !now.sharing) return;
      await devices.setScreen(false); // somebody else shares already
      this._room.flash(message, { announced: true });
    }
  }

  /**
   * @param {string} name
   * @param {(event: MouseEvent) => void} act
   */
  _onClick(name, act) {
    for (const button of findElements(this._main, `[data-do="${name}"]`)) {
      button.addEventListener("click", act);
    }
  }

  _wireEntering() {
    const room = this._room;
    const leaveDialog = elementById("leave-dialog", HTMLDialogElement);
    this._onClick("enter", () => room.enter());
    this._onClick("hear", () => room.mixer.resume());
    this._onClick("leave", () => leaveDialog.showModal());
    this._onClick("leave-now", () => {
      leaveDialog.close();
      room.leave();
    });
    this._onClick("end", ({ currentTarget }) =>
      room.act(eventElement(currentTarget, HTMLButtonElement), "consult.end"),
    );
    this._onClick("return", () => {
      sessionStorage.setItem(RETURN_KEY, "yes");
      window.location.reload();
    });
  }

  _wireOwnDevices() {
    const { devices } = this._room;
    this._onClick("mic", (event) =>
      this._toggle(event, "noMicrophone", async () => {
        await devices.setMic(!(devices.micOn && devices.mic));
        announce(pageText(devices.micOn ? "saidMicOn" : "saidMicOff"));
      }),
    );
    this._onClick("camera", (event) =>
      this._toggle(event, "noCamera", async () => {
        await devices.setCamera(!devices.camera);
        announce(pageText(devices.camera ? "saidCameraOn" : "saidCameraOff"));
      }),
    );
    this._onClick("screen", (event) =>
      this._toggle(event, "noScreen", async () => {
        await devices.setScreen(!devices.screen);
        announce(pageText(devices.screen ? "saidSharing" : "saidStoppedSharing"));
      }),
    );
  }

  _wireSettings() {
    const { _main: main, _room: room } = this;
    for (const radio of findElements(main, '[data-do="view"]', HTMLInputElement)) {
      radio.addEventListener("change", () => {
        room.tiles.setView(radio.value);
        announce(pageText(radio.value === "grid" ? "saidGrid" : "saidSpeaker"));
      });
    }
    const volume = findElement(main, '[data-do="volume"]', HTMLInputElement);
    volume.addEventListener("input", () => room.mixer.setVolume(Number(volume.value)));
    const noise = findElement(main, '[data-do="noise"]', HTMLInputElement);
    noise.addEventListener("change", () => this._setNoiseSuppression(noise.checked));
    const pip = findElement(main, '[data-do="pip"]');
    pip.hidden = !document.pictureInPictureEnabled;
    elementById("pip-missing").hidden = Boolean(document.pictureInPictureEnabled);
    pip.addEventListener("click", () => this._togglePictureInPicture());
  }

  _wirePanels() {
    const { chat, partners, panels } = this._room;
    chat.isOpen = () => panels.isOpen("chat");
    chat.onUnread = (count) => panels.count("unread", count, pageText("unread", { count }));
    if (partners) {
      partners.isOpen = () => panels.isOpen("partners");
      partners.onUnread = (count) =>
        panels.count("unread-partners", count, pageText("unread", { count }));
    }
    panels.onOpen = (name) => {
      if (name === "chat") chat.read();
      if (name === "partners") partners?.read();
    };
  }

  /** @param {KeyboardEvent} event */
  _keyPressed(event) {
    if (this._room.phase !== "room") return;
    if (event.key === "Escape") {
      this._room.panels.close();
      return;
    }
    const fields = "input, textarea, select, dialog, [contenteditable]";
    if (closestElement(event.target, fields)) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const name = KEYS[event.key.toLowerCase()];
    if (name) findElement(this._main, `.bar [data-do="${name}"]`).click();
  }

  /** @param {boolean} isOn */
  async _setNoiseSuppression(isOn) {
    try {
      await this._room.devices.setNoiseSuppression(isOn);
      announce(pageText(isOn ? "saidNoiseOut" : "saidNoiseIn"));
    } catch {
      this._room.flash(pageText("noMicrophone"));
    }
  }

  async _togglePictureInPicture() {
    try {
      if (document.pictureInPictureElement) {
        await document.exitPictureInPicture();
        announce(pageText("saidPictureBack"));
      } else {
        const { largest } = this._room.tiles;
        if (!largest) throw new Error("no picture");
        await largest.requestPictureInPicture();
        announce(pageText("saidPictureInFront"));
      }
    } catch {
      this._room.flash(pageText("noPicture"), { announced: true });
    }
  }

  /**
   * @param {MouseEvent} event
   * @param {string} trouble names the sentence for when it fails
   * @param {() => Promise<void>} act
   */
  async _toggle({ currentTarget }, trouble, act) {
    const button = eventElement(currentTarget, HTMLButtonElement);
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      // who closes the browser's choice of screens has changed their mind
      const isChangedMind = trouble === "noScreen" && asError(error).name === "NotAllowedError";
      if (!isChangedMind) this._room.flash(pageText(trouble), { announced: true });
    } finally {
      button.disabled = false;
      button.focus();
    }
  }

  /** @param {LocalTrackName | "speaker" | "all"} kind */
  async _devicesChanged(kind) {
    const { call, devices, panels, waitingRoom } = this._room;
    if (kind === "speaker") {
      await call.mixer.setSpeaker(devices.chosen.audiooutput ?? "");
      return;
    }
    for (const name of /** @type {LocalTrackName[]} */ (["mic", "camera", "screen"])) {
      if (kind === name || kind === "all") {
        await call.connection.replace(name, devices[name]).catch(() => {});
      }
    }
    call.takeOwnTracks();
    const isMicOn = devices.micOn && Boolean(devices.mic);
    const isCameraOn = Boolean(devices.camera);
    const isSharing = Boolean(devices.screen);
    panels.setPressed("mic", isMicOn, pageText(isMicOn ? "muteMic" : "unmuteMic"));
    panels.setPressed("camera", isCameraOn, pageText(isCameraOn ? "stopCamera" : "startCamera"));
    panels.setPressed("screen", isSharing, pageText(isSharing ? "stopSharing" : "shareScreen"));
    waitingRoom.devicesChanged();
    if (this._room.phase === "room") this._room.draw();
    this.tellDevices();
  }
}
