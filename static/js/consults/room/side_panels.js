// The panels beside the pictures, the counts on their buttons, the banner. One panel is open at a
// time.
import { elementById, findElement, findElements } from "../../shared/dom.js";

const PANEL_NAMES = ["chat", "partners", "people", "ask", "teach", "listen", "settings"];
const FLASH_SHOWN_MS = 6000;

export class SidePanels {
  /** @type {number | undefined} */
  _timer;
  /** @type {(name: string) => void} */
  onOpen = () => {};

  /** @param {HTMLElement} main */
  constructor(main) {
    this._main = main;
    this._banner = elementById("banner");
    this._more = findElement(main, '[data-do="more"]');
    this._names = PANEL_NAMES.filter((name) => document.getElementById(`panel-${name}`));
    for (const name of this._names) {
      this._button(name).addEventListener("click", () =>
        this.isOpen(name) ? this.close() : this.open(name),
      );
      findElement(this._panel(name), "[data-close]").addEventListener("click", () => this.close());
    }
    for (const dialog of findElements(main, "dialog", HTMLDialogElement)) {
      for (const button of findElements(dialog, "[data-close]")) {
        button.addEventListener("click", () => dialog.close());
      }
    }
    this._more.addEventListener("click", () =>
      this._showMore(this._more.getAttribute("aria-expanded") !== "true"),
    );
  }

  /** @param {string} name */
  isOpen(name) {
    return !this._panel(name).hidden;
  }

  /** @param {string} name */
  open(name) {
    for (const other of this._names) if (other !== name) this._set(other, false);
    this._set(name, true);
    this._showMore(false);
    this.onOpen(name);
    const panel = this._panel(name);
    const field = panel.querySelector("textarea, select, input, [data-people] button");
    const first = field ?? panel.querySelector("button");
    if (first instanceof HTMLElement) first.focus({ preventScroll: true });
  }

  close() {
    const open = this._names.find((name) => this.isOpen(name));
    if (!open) return;
    this._set(open, false);
    const button = this._button(open);
    (button.offsetParent ? button : this._more).focus();
  }

  /**
   * @param {string} id
   * @param {number} count
   * @param {string} words
   */
  count(id, count, words) {
    for (const place of findElements(this._main, `#${id}, #${id}-more`)) {
      place.hidden = !count;
      place.textContent = count ? String(count) : "";
      if (count) place.setAttribute("aria-label", words);
    }
  }

  /**
   * @param {string} name of the buttons
   * @param {boolean} isOn
   * @param {string} label
   */
  setPressed(name, isOn, label) {
    for (const button of findElements(this._main, `button[data-do="${name}"]`)) {
      button.setAttribute("aria-pressed", String(isOn));
      button.setAttribute("aria-label", label);
      button.title = label;
    }
  }

  /**
   * Shows a sentence over the pictures for a while.
   * @param {string} sentence
   */
  flash(sentence, isStrong = false) {
    if (!sentence) return;
    this._say(sentence);
    this._banner.classList.toggle("is-strong", isStrong);
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._say(""), FLASH_SHOWN_MS);
  }

  /**
   * @param {string} name of a button in the banner
   * @param {boolean} isShown
   */
  showBannerButton(name, isShown) {
    findElement(this._banner, `[data-do="${name}"]`).hidden = !isShown;
    this._showBanner();
  }

  /** @param {string} sentence */
  _say(sentence) {
    findElement(this._banner, "span").textContent = sentence;
    this._showBanner();
  }

  _showBanner() {
    const hasWords = Boolean(findElement(this._banner, "span").textContent);
    this._banner.hidden = !hasWords && !this._banner.querySelector("button:not([hidden])");
  }

  /**
   * @param {string} name
   * @param {boolean} isOpen
   */
  _set(name, isOpen) {
    this._panel(name).hidden = !isOpen;
    this._button(name).setAttribute("aria-expanded", String(isOpen));
    const isAnyOpen = this._names.some((other) => this.isOpen(other));
    this._main.toggleAttribute("data-panel", isAnyOpen);
  }

  /** @param {boolean} isOpen */
  _showMore(isOpen) {
    this._more.setAttribute("aria-expanded", String(isOpen));
    findElement(this._main, ".bar").toggleAttribute("data-open", isOpen);
  }

  /** @param {string} name */
  _button(name) {
    return findElement(this._main, `:is(.bar, .console) [data-do="${name}"]`);
  }

  /** @param {string} name */
  _panel(name) {
    return elementById(`panel-${name}`);
  }
}
