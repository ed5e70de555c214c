// The chat. A message that could not be sent waits under an id of its own and goes out when the
// connection is back.
import { copyTemplate, elementById, findElement } from "../../shared/dom.js";
import { asError } from "../../shared/requests.js";
import { announce, formatTime, pageText } from "../page_text.js";
import { ChatOrder } from "./chat_order.js";

const MAX_CHARACTERS = 2000;

/** @typedef {import("../room_state.d.ts").ChatLine} ChatLine */
/** @typedef {Pick<ChatLine, "seat" | "name" | "text" | "at"> & { number?: number }} DrawnLine */
/** @typedef {{ clientId: string, text: string, element: HTMLElement }} UnsentMessage */

export class ChatPanel {
  /** @type {ChatOrder<ChatLine>} */
  _order = new ChatOrder();
  /** @type {UnsentMessage[]} oldest first */
  _unsent = [];
  _isFlushing = false;
  _isFilling = false;
  unread = 0;
  isOpen = () => false;
  /** @type {(count: number) => void} */
  onUnread = () => {};

  /**
   * @param {Pick<import("./signalling_channel.js").SignallingChannel, "request">} signalling
   * @param {string} ownSeat
   * @param {HTMLElement} panel
   * @param {ChatLine["channel"]} channel
   */
  constructor(signalling, ownSeat, panel, channel = "everyone") {
    this._signalling = signalling;
    this._ownSeat = ownSeat;
    this.channel = channel;
    this._list = findElement(panel, ".chat-lines");
    this._empty = findElement(panel, ".chat-empty");
    this._input = findElement(panel, "textarea", HTMLTextAreaElement);
    this._error = findElement(panel, ".field-error");
    this._template = elementById("line-template", HTMLTemplateElement);
    findElement(panel, "form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.say(this._input.value);
    });
    this._input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.say(this._input.value);
      }
    });
    this._input.addEventListener("input", () => this._showError(lengthError(this._input.value)));
  }

  /** The number of the last line that has all others before it. */
  get last() {
    return this._order.last;
  }

  /** @param {string} typed */
  async say(typed) {
    if (!typed.trim()) return;
    const error = lengthError(typed);
    this._showError(error);
    if (error) return;
    this._input.value = "";
    const text = typed.trim();
    const element = this._draw({
      name: pageText("you"),
      text,
      at: new Date().toISOString(),
      seat: this._ownSeat,
    });
    showState(element, pageText("sending"));
    this._unsent.push({ clientId: crypto.randomUUID(), text, element });
    await this.flush();
  }

  /** Sends what waits, oldest first. Stops at the first that gets no answer. */
  async flush() {
    if (this._isFlushing) return;
    this._isFlushing = true;
    while (this._unsent.length && (await this._send(this._unsent[0]))) this._unsent.shift();
    this._isFlushing = false;
  }

  /**
   * @param {UnsentMessage} message
   * @returns {Promise<boolean>} whether the server has decided: it took the message, or refused it
   *   for good
   */
  async _send(message) {
    try {
      const { line } = await this._signalling.request("chat.say", {
        channel: this.channel,
        client_id: message.clientId,
        text: message.text,
      });
      this._showSent(message, line);
      for (const later of this._order.confirm(line)) this._show(later);
      if (this._order.hasGap) this.fill();
      return true;
    } catch (thrown) {
      const error = asError(thrown);
      if (!error.final) {
        showState(message.element, pageText("notSent"));
        return false;
      }
      message.element.remove();
      this._input.value ||= message.text;
      this._showError(error.message);
      return true;
    }
  }

  /**
   * Lines from the server, in any order, any of them perhaps known already.
   * @param {ChatLine[]} lines
   * @param {{ quiet?: boolean }} [options] quiet lines are neither announced nor counted as unread
   */
  receive(lines, { quiet = false } = {}) {
    for (const line of this._order.receive(lines)) this._show(line, quiet);
    if (this._order.hasGap) this.fill();
  }

  /** Asks the server for what is missing. */
  async fill() {
    if (this._isFilling) return;
    this._isFilling = true;
    try {
      const { chat } = await this._signalling.request("chat.since", {
        channel: this.channel,
        after: this.last,
      });
      this._isFilling = false;
      if (chat.length) this.receive(chat);
    } catch {
      this._isFilling = false; // the connection is lost; taking the seat again brings the lines
    }
  }

  /** The panel was opened: all lines count as read. */
  read() {
    this.unread = 0;
    this.onUnread(0);
    this._list.scrollTop = this._list.scrollHeight;
  }

  /** @param {ChatLine} line */
  _show(line, quiet = false) {
    const isMine = line.seat === this._ownSeat;
    const unsent = isMine && this._unsent.find(({ clientId }) => clientId === line.clientId);
    if (unsent) {
      this._showSent(unsent, line);
      return;
    }
    if (this._list.querySelector(`[data-number="${line.number}"]`)) return;
    this._draw(line);
    if (isMine || quiet) return;
    announce(pageText("chatFrom", line));
    if (this.isOpen()) return;
    this.unread += 1;
    this.onUnread(this.unread);
  }

  /**
   * @param {UnsentMessage} message
   * @param {ChatLine} line
   */
  _showSent({ element }, line) {
    element.dataset.number = String(line.number);
    showState(element, "");
    this._place(element);
  }

  /** @param {DrawnLine} line */
  _draw(line) {
    const element = copyTemplate(this._template);
    const isMine = line.seat === this._ownSeat;
    element.classList.toggle("is-mine", isMine);
    if (line.number) element.dataset.number = String(line.number);
    findElement(element, "bdi").textContent = isMine ? pageText("you") : line.name;
    const time = findElement(element, "time", HTMLTimeElement);
    time.textContent = formatTime(line.at);
    time.dateTime = line.at;
    findElement(element, ".chat-text").textContent = line.text;
    this._place(element);
    this._empty.hidden = true;
    this._list.scrollTop = this._list.scrollHeight;
    return element;
  }

  /**
   * Everybody reads the lines in one order: by number, and after them what still waits to be sent.
   * @param {HTMLElement} element
   */
  _place(element) {
    const number = numberOf(element);
    const next = [...this._list.children].find(
      (other) => other !== element && numberOf(other) > number,
    );
    const isInPlace =
      element.parentNode === this._list && element.nextElementSibling === (next ?? null);
    if (!isInPlace) this._list.insertBefore(element, next ?? null);
  }

  /** @param {string} words */
  _showError(words) {
    this._error.textContent = words;
    this._error.hidden = !words;
  }
}

/** @param {string} text */
function lengthError(text) {
  return text.length > MAX_CHARACTERS ? pageText("tooLong", { count: MAX_CHARACTERS }) : "";
}

/** @param {Element} element */
function numberOf(element) {
  const { number } = /** @type {HTMLElement} */ (element).dataset;
  return number ? Number(number) : Number.POSITIVE_INFINITY;
}

/**
 * @param {HTMLElement} element
 * @param {string} words
 */
function showState(element, words) {
  const place = findElement(element, ".chat-state");
  place.textContent = words;
  place.hidden = !words;
}
