// The bar under the picture and the panel of devices: what a person does with their own microphone, camera and screen.
import { announce, pageText } from "../page_text.js";

const KEYS = { m: "mic", v: "camera", c: "chat", p: "people", a: "ask", s: "screen" };
const byId = (id) => document.getElementById(id);

export class ControlBar {
  constructor(room, main) {
    this._room = room;
    this._main = main;
    this._going();
    this._own();
    this._settings();
    this._panels();
    document.addEventListener("keydown", (event) => this._key(event));
    room.devices.addEventListener("change", ({ detail }) => this._devicesChanged(detail.kind));
  }

  /** Tells the server what is sent from here now. */
  async tell(always = false) {
    const { devices, line, phase } = this._room;
    const { micOn, mic, camera, screen } = devices;
    const now = { mic: Boolean(micOn && mic), camera: Boolean(camera), sharing: Boolean(screen) };
    if (phase !== "room" || (!always && JSON.stringify(now) === this._told)) return;
    this._told = JSON.stringify(now);
    try {
      await line.ask("media.devices", now);
    } catch (error) {
      this._told = null;
      if (error.status === 409 && now.sharing) {
        await devices.setScreen(false);
        this._room.flash(error.message, { announced: true });
      }
    }
  }

  _on(name, act) {
    this._main
      .querySelectorAll(`[data-do="${name}"]`)
      .forEach((one) => one.addEventListener("click", act));
  }

  _going() {
    const room = this._room;
    this._on("enter", () => room.enter());
    this._on("hear", () => room.mixer.resume());
    this._on("leave", () => byId("leave-dialog").showModal());
    this._on("leave-now", () => (byId("leave-dialog").close(), room.leave()));
    this._on("end", (event) => room.act(event.currentTarget, "consult.end"));
    this._on("return", () => {
      sessionStorage.setItem("consult-return", "yes");
      window.location.reload();
    });
  }

  _own() {
    const { devices } = this._room;
    this._on("mic", (event) =>
      this._toggle(
        event,
        async () => {
          await devices.setMic(!(devices.micOn && devices.mic));
          announce(pageText(devices.micOn ? "saidMicOn" : "saidMicOff"));
        },
        "noMicrophone",
      ),
    );
    this._on("camera", (event) =>
      this._toggle(
        event,
        async () => {
          await devices.setCamera(!devices.camera);
          announce(pageText(devices.camera ? "saidCameraOn" : "saidCameraOff"));
        },
        "noCamera",
      ),
    );
    this._on("screen", (event) =>
      this._toggle(
        event,
        async () => {
          await devices.setScreen(!devices.screen);
          announce(pageText(devices.screen ? "saidSharing" : "saidStoppedSharing"));
        },
        "noScreen",
      ),
    );
  }

  _settings() {
    const { _main: main, _room: room } = this;
    main.querySelectorAll('[data-do="view"]').forEach((one) =>
      one.addEventListener("change", () => {
        room.tiles.setView(one.value);
        announce(pageText(one.value === "grid" ? "saidGrid" : "saidSpeaker"));
      }),
    );
    main
      .querySelector('[data-do="volume"]')
      .addEventListener("input", (event) => room.mixer.setVolume(Number(event.target.value)));
    main
      .querySelector('[data-do="noise"]')
      .addEventListener("change", (event) => this._noise(event.target));
    const pip = main.querySelector('[data-do="pip"]');
    pip.hidden = !document.pictureInPictureEnabled;
    byId("pip-missing").hidden = Boolean(document.pictureInPictureEnabled);
    pip.addEventListener("click", () => this._pictureInPicture());
  }

  _panels() {
    const { chat, partners, panels } = this._room;
    chat.isOpen = () => panels.isOpen("chat");
    chat.onUnread = (count) => panels.count("unread", count, pageText("unread", { count }));
    if (partners) {
      partners.isOpen = () => panels.isOpen("partners");
      partners.onUnread = (count) =>
        panels.count("unread-partners", count, pageText("unread", { count }));
    }
    panels.onOpen = (name) => ({ chat, partners })[name]?.read();
  }

  _key(event) {
    if (event.key === "Escape" && this._room.phase === "room") return this._room.panels.close();
    const typing = event.target.closest?.("input, textarea, select, dialog, [contenteditable]");
    if (
      typing ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.repeat ||
      this._room.phase !== "room"
    )
      return;
    const name = KEYS[event.key.toLowerCase()];
    if (name) this._main.querySelector(`.bar [data-do="${name}"]`).click();
  }

  async _noise(box) {
    const { devices, flash } = this._room;
    try {
      await devices.setNoiseSuppression(box.checked);
      announce(pageText(box.checked ? "saidNoiseOut" : "saidNoiseIn"));
    } catch {
      flash.call(this._room, pageText("noMicrophone"));
    }
  }

  async _pictureInPicture() {
    const video = this._room.tiles.largest;
    try {
      if (document.pictureInPictureElement) {
        await document.exitPictureInPicture();
        announce(pageText("saidPictureBack"));
      } else {
        await video.requestPictureInPicture();
        announce(pageText("saidPictureInFront"));
      }
    } catch {
      this._room.flash(pageText("noPicture"), { announced: true });
    }
  }

  async _toggle(event, act, trouble) {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      if (error.name !== "NotAllowedError" || trouble !== "noScreen")
        this._room.flash(pageText(trouble), { announced: true });
    } finally {
      button.disabled = false;
      button.focus();
    }
  }

  async _devicesChanged(kind) {
    const { call, devices, lobby, panels } = this._room;
    if (kind === "speaker") return call.mixer.setSpeaker(devices.chosen.audiooutput);
    for (const name of ["mic", "camera", "screen"]) {
      if (kind === name || kind === "all")
        await call.link.replace(name, devices[name]).catch(() => {});
    }
    call.ownTracks();
    const { mic, micOn, camera, screen } = devices;
    panels.pressed("mic", micOn && mic, pageText(micOn && mic ? "muteMic" : "unmuteMic"));
    panels.pressed("camera", camera, pageText(camera ? "stopCamera" : "startCamera"));
    panels.pressed("screen", screen, pageText(screen ? "stopSharing" : "shareScreen"));
    lobby.devicesChanged();
    if (this._room.phase === "room") this._room.draw();
    this.tell();
  }
}
