// Early signs of a lost connection. The node sends a receiver report each second whatever else it
// sends, so silence means that the connection is lost, long before the browser's ICE agent says so
// (RFC 7675 allows it 30 seconds).

const QUIET_LIMIT_MS = 2500; // of silence on a connection that carries the node's reports alone
const BUSY_LIMIT_MS = 1500; // on one that carried sound or pictures without a pause until then
const BUSY_OBSERVATIONS = 6;
const DOUBT_LIMIT_MS = 1000; // of silence that are enough once something else looks wrong

export class SilenceWatch {
  /** @param {number} now milliseconds, on the clock of all other calls */
  constructor(now) {
    this._heardAt = now;
    this._bytes = -1;
    this._busyInARow = 0; // observations without a quiet one among them
    this._wasQuiet = true;
  }

  get limitMs() {
    return this._busyInARow >= BUSY_OBSERVATIONS ? BUSY_LIMIT_MS : QUIET_LIMIT_MS;
  }

  /** @param {number} now the connection has just been made: what went before says nothing */
  restart(now) {
    this._heardAt = now;
  }

  /**
   * @param {number} bytes received on the transport in all
   * @param {number} now
   * @returns {boolean} whether the connection has been silent for so long that it is lost
   */
  observe(bytes, now) {
    if (bytes === this._bytes) {
      this._wasQuiet = true;
      return now - this._heardAt > this.limitMs;
    }
    this._busyInARow = this._wasQuiet ? 0 : this._busyInARow + 1;
    this._wasQuiet = false;
    this._bytes = bytes;
    this._heardAt = now;
    return false;
  }

  /**
   * Something looks wrong: from now on, one more second of silence is enough.
   * @param {number} now
   */
  doubt(now) {
    this._heardAt = Math.min(this._heardAt, now - this.limitMs + DOUBT_LIMIT_MS);
  }
}
