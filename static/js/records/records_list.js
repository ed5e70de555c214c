// The list of a case's records. Rows that change are fetched alone, however long the list is.

const FIRST_LOOK_MS = 2500;
const SLOWEST_LOOK_MS = 20_000;
const SHOWN_ROWS = 50; // as many as a page of the server

export class RecordsList {
  /** @type {number | undefined} */
  _timer;
  _wait = FIRST_LOOK_MS;
  _isExpected = false;

  /**
   * @param {HTMLElement} element around the list
   * @param {string} url of the list
   */
  constructor(element, url) {
    this.element = element;
    this.url = url;
  }

  /** A record is still being checked, so that the list will change. */
  get isChanging() {
    return this._isExpected || this.element.querySelector('[data-changing="true"]') !== null;
  }

  /** Something was sent: looks soon, once for all that are sent until then. */
  expectChange() {
    this._isExpected = true;
    this._wait = FIRST_LOOK_MS;
    if (this._timer === undefined) this.watch();
  }

  watch() {
    this._stopWaiting();
    if (this.isChanging) this._timer = setTimeout(() => this._look(), this._wait);
  }

  release() {
    this._stopWaiting();
  }

  /**
   * Fetches what has changed. Leaves the list as it is when the server cannot be reached, and a row
   * when somebody's focus is in it.
   * @returns {Promise<boolean>} whether anything had changed
   */
  async refresh() {
    const list = this.element.querySelector("[data-as-of]");
    const since = list?.getAttribute("data-as-of");
    const url = since ? `${this.url}?since=${encodeURIComponent(since)}` : this.url;
    const headers = { "X-Requested-With": "fetch" };
    const answer = await fetch(url, { headers }).catch(() => null);
    if (!answer?.ok) return false;
    const html = answer.status === 204 ? "" : await answer.text();
    if (!list) {
      this.element.innerHTML = html;
      return true;
    }
    list.setAttribute("data-as-of", answer.headers.get("Records-As-Of") ?? since ?? "");
    this._update(list, html);
    return html !== "";
  }

  async _look() {
    this._timer = undefined;
    this._isExpected = false;
    // Where nothing happens, as when the checks are slow, it is asked less and less often.
    const hasChanged = await this.refresh();
    this._wait = hasChanged ? FIRST_LOOK_MS : Math.min(this._wait * 1.5, SLOWEST_LOOK_MS);
    this.watch();
  }

  /**
   * @param {Element} list
   * @param {string} html rows
   */
  _update(list, html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const isFirstPage = list.getAttribute("data-page") === "1";
    // Newest first, so that the last new row is put at the top first.
    for (const row of [...fresh.content.children].reverse()) {
      const old = document.getElementById(row.id);
      if (old?.contains(document.activeElement)) continue;
      if (row.hasAttribute("data-removed")) old?.remove();
      else if (old) old.replaceWith(row);
      else if (isFirstPage) list.prepend(row);
    }
    for (const row of [...list.children].slice(SHOWN_ROWS)) row.remove();
  }

  _stopWaiting() {
    clearTimeout(this._timer);
    this._timer = undefined;
  }
}
