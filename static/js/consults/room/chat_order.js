// The order of a chat: no line twice, none missing. Each line has a number, counted without a gap.

/**
 * @template {{ number: number }} L
 */
export class ChatOrder {
  constructor() {
    /** The number of the last line that has all others before it. */
    this.last = 0;
    /** @type {Map<number, L>} lines that came before one with a lower number */
    this._early = new Map();
  }

  /** A line is missing between those that are here: the server has to be asked for it. */
  get hasGap() {
    return this._early.size > 0;
  }

  /**
   * @param {L[]} lines in any order, any of them perhaps known already
   * @returns {L[]} those that can be shown now, in order
   */
  receive(lines) {
    for (const line of lines) if (line.number > this.last) this._early.set(line.number, line);
    return this._takeReady();
  }

  /**
   * One's own line, which is on the page already, got its number.
   * @param {L} line
   * @returns {L[]} the lines that waited for it, in order, without the line itself
   */
  confirm(line) {
    return this.receive([line]).filter(({ number }) => number !== line.number);
  }

  _takeReady() {
    /** @type {L[]} */
    const ready = [];
    for (let next = this._early.get(this.last + 1); next; next = this._early.get(this.last + 1)) {
      this._early.delete(next.number);
      this.last = next.number;
      ready.push(next);
    }
    return ready;
  }
}
