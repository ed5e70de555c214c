// The line to the web: one Socket.IO connection, one seat. It comes back by itself, and takes the seat again each time.
//
//   line.ask(event, message)  => Promise of the answer; rejects with RequestRefused (message: the server's sentence, status)
//   events: "seated" { state, chat, again }, "refused" { error }, "lost", and everything that the server says
import { io } from "socket.io-client";
import { RequestRefused } from "../../shared/requests.js";

const ANSWER_MS = 10000;
const HERE_MS = 10000;
const HURRY_MS = 5000; // a line that is being made is left alone for so long
const CHECK_MS = 2000; // a line in doubt that does not answer within this is made anew
const SAID = [
  "state",
  "chat.line",
  "seat.taken",
  "seat.removed",
  "seat.sent_back",
  "ended",
  "media.moved",
  "speaking",
  "quality",
  "streams",
  "seat.link",
  "signal",
  "teach",
  "caption",
];

export class SignallingChannel extends EventTarget {
  constructor({ ticket, chatAfter }) {
    super();
    this._ticket = ticket;
    this._chatAfter = chatAfter;
    this.tab = tabId();
    this.isSeated = false;
    this._times = 0;
  }

  open() {
    this._socket = io("/consult", {
      transports: ["websocket", "polling"],
      reconnectionDelay: 300,
      reconnectionDelayMax: 2000,
      randomizationFactor: 0.5,
      timeout: 5000,
    });
    this._socket.on("connect", () => this.take());
    this._socket.on("connect_error", (error) => {
      // A refusal by the server is final (signed out); a lost network is tried again by the client itself.
      if (!this._socket.active)
        this._tell("refused", { error: new RequestRefused(sentenceIn(error), 401) });
      else this._lost();
    });
    this._socket.on("disconnect", (reason) => {
      this._lost();
      if (reason === "io server disconnect") this._socket.connect();
    });
    for (const name of SAID) this._socket.on(name, (detail) => this._tell(name, detail ?? {}));
    this._here = setInterval(() => this._stillHere(), HERE_MS);
    const inDoubt = () => document.visibilityState === "visible" && this.check();
    for (const name of ["visibilitychange", "resume"]) document.addEventListener(name, inDoubt);
    for (const name of ["online", "pageshow"]) window.addEventListener(name, inDoubt);
    navigator.connection?.addEventListener?.("change", inDoubt);
  }

  /** Something looks wrong: asks at once, and makes a line anew that does not answer, without its back-off. */
  async check() {
    const socket = this._socket;
    if (this._checking || !socket || this._isClosed) return;
    this._checking = true;
    const connection = socket.id;
    try {
      if (!socket.connected) throw new Error("away");
      const here = await socket.timeout(CHECK_MS).emitWithAck("seat.here", {});
      if (here && !here.error) this._tell("here", here);
    } catch {
      const now = performance.now();
      if (
        this._isClosed ||
        socket.id !== connection ||
        now - (this._hurriedAt ?? -HURRY_MS) < HURRY_MS
      )
        return;
      this._hurriedAt = now;
      socket.disconnect().connect();
    } finally {
      this._checking = false;
    }
  }

  close() {
    clearInterval(this._here);
    this._isClosed = true;
    this.isSeated = false;
    this._socket?.close();
  }

  async take() {
    try {
      const answer = await this._emit("seat.take", {
        ticket: this._ticket,
        tab: this.tab,
        chat_after: this._chatAfter(),
      });
      this.isSeated = true;
      this._times += 1;
      this._tell("seated", { ...answer, again: this._times > 1 });
    } catch (error) {
      if (error instanceof RequestRefused && error.status < 500 && error.status !== 429)
        this._tell("refused", { error });
      else setTimeout(() => this._socket.connected && this.take(), 1000);
    }
  }

  ask(event, message = {}) {
    if (!this.isSeated) return Promise.reject(new Error("not seated"));
    return this._emit(event, message);
  }

  async _emit(event, message) {
    const answer = await this._socket.timeout(ANSWER_MS).emitWithAck(event, message);
    if (answer?.error)
      throw Object.assign(new RequestRefused(answer.error, answer.status), {
        final: FINAL.has(answer.status),
      });
    return answer;
  }

  _lost() {
    if (!this.isSeated) return;
    this.isSeated = false;
    this._tell("lost");
  }

  async _stillHere() {
    if (!this.isSeated) return;
    await this.check();
  }

  _tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

// Trying again would not help: not here, over, not let in, not understood.
const FINAL = new Set([401, 404, 409, 422]);

function sentenceIn(error) {
  return error?.data?.error ?? "";
}

/** One name per tab: a reload returns to the seat, another tab takes it over. A duplicated tab copies the storage, so
 * the name is taken out while the tab uses it and put back when it goes. */
function tabId() {
  const key = "consult-tab";
  const name = sessionStorage.getItem(key) ?? crypto.randomUUID();
  sessionStorage.removeItem(key);
  window.addEventListener("pagehide", () => sessionStorage.setItem(key, name));
  return name;
}
