// The written word: no line twice, none missing. Each line has a number that counts without a hole; a gap is asked for.
// What could not be sent waits, with its own name, and goes out when the line is back.
import { announce, formatTime, pageText } from "../page_text.js";

const LONGEST = 2000;

export class ChatPanel {
  /** @param root the panel; `channel` is "everyone" or "interpreters" */
  constructor(line, own, root, channel = "everyone") {
    this._line = line;
    this._own = own;
    this.channel = channel;
    this._last = 0;
    this._waiting = [];
    this._early = new Map();
    this._list = root.querySelector(".chat-lines");
    this._empty = root.querySelector(".chat-empty");
    this._input = root.querySelector("textarea");
    this._error = root.querySelector(".field-error");
    this._template = document.getElementById("line-template");
    this.unread = 0;
    this.isOpen = () => false;
    this.onUnread = () => {};
    root.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.say(this._input.value);
    });
    this._input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.say(this._input.value);
      }
    });
    this._input.addEventListener("input", () =>
      this._refuse(
        this._input.value.length > LONGEST ? pageText("tooLong", { count: LONGEST }) : "",
      ),
    );
  }

  /** The number of the last line that stands without a hole before it. */
  get last() {
    return this._last;
  }

  async say(text) {
    if (!text.trim()) return;
    if (text.length > LONGEST) return this._refuse(pageText("tooLong", { count: LONGEST }));
    this._refuse("");
    this._input.value = "";
    const mine = { client_id: crypto.randomUUID(), text: text.trim() };
    mine.element = this._draw({
      name: pageText("you"),
      text: mine.text,
      at: new Date().toISOString(),
      seat: this._own,
    });
    this._mark(mine.element, pageText("sending"));
    this._waiting.push(mine);
    await this.flush();
  }

  /** Sends what waits, oldest first. */
  async flush() {
    if (this._flushing) return;
    this._flushing = true;
    while (this._waiting.length) {
      const mine = this._waiting[0];
      try {
        const { line } = await this._line.ask("chat.say", {
          channel: this.channel,
          client_id: mine.client_id,
          text: mine.text,
        });
        this._waiting.shift();
        this._settle(mine, line);
      } catch (error) {
        if (error.final) {
          this._waiting.shift();
          mine.element.remove();
          this._input.value ||= mine.text;
          this._refuse(error.message);
          continue;
        }
        this._mark(mine.element, pageText("notSent"));
        break;
      }
    }
    this._flushing = false;
  }

  /** Lines from the server, in any order, any of them perhaps known already. */
  receive(lines, { quiet = false } = {}) {
    for (const line of lines) if (line.number > this._last) this._early.set(line.number, line);
    for (let next; (next = this._early.get(this._last + 1)); ) {
      this._early.delete(next.number);
      this._last = next.number;
      this._stand(next, quiet);
    }
    if (this._early.size) this.fill();
  }

  /** Asks for what is missing. */
  async fill() {
    if (this._filling) return;
    this._filling = true;
    try {
      const { chat } = await this._line.ask("chat.since", {
        channel: this.channel,
        after: this._last,
      });
      this._filling = false;
      if (chat.length) this.receive(chat);
    } catch {
      this._filling = false; // the line is gone; taking the seat again brings them
    }
  }

  read() {
    this.unread = 0;
    this.onUnread(0);
    this._list.scrollTop = this._list.scrollHeight;
  }

  _stand(line, quiet) {
    const mine = line.seat === this._own;
    const waiting = mine && this._waiting.find((one) => one.client_id === line.clientId);
    if (waiting) return this._settle(waiting, line);
    if (this._list.querySelector(`[data-number="${line.number}"]`)) return;
    this._draw(line);
    if (mine || quiet) return;
    announce(pageText("chatFrom", line));
    if (this.isOpen()) return;
    this.unread += 1;
    this.onUnread(this.unread);
  }

  _settle(mine, line) {
    mine.element.dataset.number = line.number;
    this._mark(mine.element, "");
    this._place(mine.element);
    if (line.number === this._last + 1) this._last = line.number;
    else if (line.number > this._last) this._early.set(line.number, line), this.fill();
  }

  _draw(line) {
    const element = this._template.content.firstElementChild.cloneNode(true);
    const mine = line.seat === this._own;
    element.classList.toggle("is-mine", mine);
    if (line.number) element.dataset.number = line.number;
    element.querySelector("bdi").textContent = mine ? pageText("you") : line.name;
    element.querySelector("time").textContent = formatTime(line.at);
    element.querySelector("time").dateTime = line.at;
    element.querySelector(".chat-text").textContent = line.text;
    this._place(element);
    this._empty.hidden = true;
    this._list.scrollTop = this._list.scrollHeight;
    return element;
  }

  /** Everybody reads the lines in one order: by number, and after them what still waits to be sent. */
  _place(element) {
    const number = Number(element.dataset.number || Infinity);
    const next = [...this._list.children].find(
      (one) => one !== element && Number(one.dataset.number || Infinity) > number,
    );
    if (next !== element.nextElementSibling || element.parentNode !== this._list)
      this._list.insertBefore(element, next ?? null);
  }

  _mark(element, words) {
    const place = element.querySelector(".chat-state");
    place.textContent = words;
    place.hidden = !words;
  }

  _refuse(words) {
    this._error.textContent = words;
    this._error.hidden = !words;
  }
}
