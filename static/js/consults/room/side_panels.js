// The panels beside the picture, the counts on their buttons, the banner. One panel is open at a time.
const NAMES = ["chat", "partners", "people", "ask", "teach", "listen", "settings"].filter((name) =>
  document.getElementById(`panel-${name}`),
);

export class SidePanels {
  constructor(main) {
    this._main = main;
    this._banner = document.getElementById("banner");
    this.onOpen = () => {};
    for (const name of NAMES) {
      this._button(name).addEventListener("click", () =>
        this.isOpen(name) ? this.close() : this.open(name),
      );
      this._panel(name)
        .querySelector("[data-close]")
        .addEventListener("click", () => this.close());
    }
    main
      .querySelectorAll("dialog [data-close]")
      .forEach((one) => one.addEventListener("click", () => one.closest("dialog").close()));
    const more = main.querySelector('[data-do="more"]');
    more.addEventListener("click", () => this._more(more.getAttribute("aria-expanded") !== "true"));
  }

  isOpen(name) {
    return !this._panel(name).hidden;
  }

  open(name) {
    for (const other of NAMES) if (other !== name) this._set(other, false);
    this._set(name, true);
    this._more(false);
    this._opener = name;
    this.onOpen(name);
    (
      this._panel(name).querySelector("textarea, select, input, [data-people] button") ??
      this._panel(name).querySelector("button")
    ).focus({ preventScroll: true });
  }

  close() {
    const open = NAMES.find((name) => this.isOpen(name));
    if (!open) return;
    this._set(open, false);
    const button = this._button(open);
    (button.offsetParent ? button : this._main.querySelector('[data-do="more"]')).focus();
  }

  count(id, count, words) {
    for (const place of this._main.querySelectorAll(`#${id}, #${id}-more`)) {
      place.hidden = !count;
      place.textContent = count || "";
      if (count) place.setAttribute("aria-label", words);
    }
  }

  pressed(name, isOn, label) {
    for (const button of this._main.querySelectorAll(`button[data-do="${name}"]`)) {
      button.setAttribute("aria-pressed", String(Boolean(isOn)));
      button.setAttribute("aria-label", label);
      button.title = label;
    }
  }

  /** Shows a sentence over the picture for a while. */
  flash(sentence, isStrong = false) {
    if (!sentence) return;
    this._say(sentence);
    this._banner.classList.toggle("is-strong", isStrong);
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._say(""), 6000);
  }

  banner(name, isShown) {
    const button = this._banner.querySelector(`[data-do="${name}"]`);
    button.hidden = !isShown;
    this._show();
  }

  _say(sentence) {
    this._banner.querySelector("span").textContent = sentence;
    this._show();
  }

  _show() {
    const empty =
      !this._banner.querySelector("span").textContent &&
      !this._banner.querySelector("button:not([hidden])");
    this._banner.hidden = empty;
  }

  _set(name, isOpen) {
    this._panel(name).hidden = !isOpen;
    this._button(name).setAttribute("aria-expanded", String(isOpen));
    this._main.toggleAttribute(
      "data-panel",
      NAMES.some((one) => this.isOpen(one)),
    );
  }

  _more(isOpen) {
    this._main.querySelector('[data-do="more"]').setAttribute("aria-expanded", String(isOpen));
    this._main.querySelector(".bar").toggleAttribute("data-open", isOpen);
  }

  _button(name) {
    return this._main.querySelector(`:is(.bar, .console) [data-do="${name}"]`);
  }

  _panel(name) {
    return document.getElementById(`panel-${name}`);
  }
}
