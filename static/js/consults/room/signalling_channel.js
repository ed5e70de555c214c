// The signalling channel: one Socket.IO connection to the web, for one seat. It comes back by
// itself, and takes the seat again each time.
import { io } from "socket.io-client";
import { RequestRefused } from "../../shared/requests.js";
import { TypedEvents } from "../../shared/typed_events.js";

const ANSWER_LIMIT_MS = 10000;
const HEARTBEAT_MS = 10000;
const RECONNECTING_MS = 5000; // a connection that is being made is left alone for so long
const CHECK_LIMIT_MS = 2000; // a connection in doubt that does not answer within this is made again
const RETAKE_MS = 1000;
const SERVER_EVENTS = [
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
// Trying again would not help: not here, over, not let in, not understood.
const FINAL_STATUSES = new Set([401, 404, 409, 422]);
const TAB_KEY = "consult-tab";

/** @typedef {import("../signalling_events.d.ts").SignallingEvents} SignallingEvents */

/** @extends {TypedEvents<SignallingEvents>} */
export class SignallingChannel extends TypedEvents {
  /** @type {import("socket.io-client").Socket | undefined} */
  _socket;
  /** @type {number | undefined} */
  _heartbeat;
  isSeated = false;
  _isChecking = false;
  _isClosed = false;
  _reconnectedAt = -RECONNECTING_MS;
  _timesSeated = 0;

  /**
   * @param {{ ticket: string, chatAfter: () => number }} options `chatAfter` is the last chat line
   *   that is here
   */
  constructor({ ticket, chatAfter }) {
    super();
    this._ticket = ticket;
    this._chatAfter = chatAfter;
    this.tab = tabId();
  }

  open() {
    const socket = io("/consult", {
      transports: ["websocket", "polling"],
      reconnectionDelay: 300,
      reconnectionDelayMax: 2000,
      randomizationFactor: 0.5,
      timeout: 5000,
    });
    this._socket = socket;
    socket.on("connect", () => this.takeSeat());
    socket.on("connect_error", (error) => {
      // A refusal by the server is final (signed out); a lost network is tried again by the client
      // itself.
      if (socket.active) this._lost();
      else this.emit("refused", { error: new RequestRefused(sentenceIn(error), 401) });
    });
    socket.on("disconnect", (reason) => {
      this._lost();
      if (reason === "io server disconnect") socket.connect();
    });
    for (const name of SERVER_EVENTS) {
      socket.on(name, (detail) => {
        this.emit(/** @type {keyof SignallingEvents} */ (name), detail ?? {});
      });
    }
    this._heartbeat = setInterval(() => this.isSeated && this.check(), HEARTBEAT_MS);
    const checkIfVisible = () => {
      if (document.visibilityState === "visible") this.check();
    };
    for (const name of ["visibilitychange", "resume"]) {
      document.addEventListener(name, checkIfVisible);
    }
    for (const name of ["online", "pageshow"]) window.addEventListener(name, checkIfVisible);
    const { connection: network } =
      /** @type {{ connection?: EventTarget }} Chromium's Network Information API */ (navigator);
    network?.addEventListener?.("change", checkIfVisible);
  }

  /**
   * Something looks wrong: asks at once, and makes a connection that does not answer again, without
   * its back-off.
   */
  async check() {
    const socket = this._socket;
    if (this._isChecking || !socket || this._isClosed) return;
    this._isChecking = true;
    const socketId = socket.id;
    try {
      if (!socket.connected) throw new Error("not connected");
      const here = await socket.timeout(CHECK_LIMIT_MS).emitWithAck("seat.here", {});
      if (here && !here.error) this.emit("here", here);
    } catch {
      const now = performance.now();
      const isNewer = socket.id !== socketId;
      if (this._isClosed || isNewer || now - this._reconnectedAt < RECONNECTING_MS) return;
      this._reconnectedAt = now;
      socket.disconnect().connect();
    } finally {
      this._isChecking = false;
    }
  }

  close() {
    clearInterval(this._heartbeat);
    this._isClosed = true;
    this.isSeated = false;
    this._socket?.close();
  }

  async takeSeat() {
    try {
      const answer = await this._send("seat.take", {
        ticket: this._ticket,
        tab: this.tab,
        chat_after: this._chatAfter(),
      });
      this.isSeated = true;
      this._timesSeated += 1;
      this.emit("seated", { ...answer, again: this._timesSeated > 1 });
    } catch (error) {
      const isFinal = error instanceof RequestRefused && error.status < 500 && error.status !== 429;
      if (isFinal) this.emit("refused", { error });
      else setTimeout(() => this._socket?.connected && this.takeSeat(), RETAKE_MS);
    }
  }

  /**
   * @param {string} event
   * @param {object} [message]
   * @returns {Promise<any>} the answer, whose shape is the handler's (hence `any`); rejects with
   *   RequestRefused when
   *   the server refuses, and with another error when it does not answer
   */
  request(event, message = {}) {
    if (!this.isSeated) return Promise.reject(new Error("not seated"));
    return this._send(event, message);
  }

  /**
   * @param {string} event
   * @param {object} message
   */
  async _send(event, message) {
    const answer = await this._socket?.timeout(ANSWER_LIMIT_MS).emitWithAck(event, message);
    if (!answer?.error) return answer;
    const refusal = new RequestRefused(answer.error, answer.status);
    refusal.final = FINAL_STATUSES.has(answer.status);
    throw refusal;
  }

  _lost() {
    if (!this.isSeated) return;
    this.isSeated = false;
    this.emit("lost", {});
  }
}

/** @param {Error} error */
function sentenceIn(error) {
  return /** @type {{ data?: { error?: string } }} */ (error)?.data?.error ?? "";
}

/**
 * One id per tab: a reload returns to the seat, another tab takes it over. A duplicated tab copies
 * the storage, so the id is taken out while the tab uses it and put back when the page goes.
 */
function tabId() {
  const id = sessionStorage.getItem(TAB_KEY) ?? crypto.randomUUID();
  sessionStorage.removeItem(TAB_KEY);
  window.addEventListener("pagehide", () => sessionStorage.setItem(TAB_KEY, id));
  return id;
}
