// Time that stands still until a test lets it pass.

const realSetImmediate = setImmediate;
const REPLACED = ["setTimeout", "clearTimeout", "setInterval", "clearInterval"];

export class FakeClock {
  /** Takes the place of the timers, Date.now and performance.now until restore() is called. */
  constructor(startedAt = Date.parse("2026-03-09T09:00:00Z")) {
    this.elapsed = 0;
    this._timers = new Map();
    this._lastId = 0;
    const places = [globalThis, ...(globalThis.window ? [window] : [])];
    this._originals = places.map((place) => [place, REPLACED.map((name) => [name, place[name]])]);
    for (const place of places) {
      place.setTimeout = (act, ms = 0) => this._add(act, ms, null);
      place.setInterval = (act, ms) => this._add(act, ms, ms);
      place.clearTimeout = place.clearInterval = (id) => this._timers.delete(id);
    }
    this._dateNow = Date.now;
    Date.now = () => startedAt + this.elapsed;
    performance.now = () => this.elapsed;
  }

  restore() {
    for (const [place, functions] of this._originals) {
      for (const [name, original] of functions) place[name] = original;
    }
    Date.now = this._dateNow;
    delete performance.now;
  }

  /** Lets time pass: timers run when they are due, and what they promise is awaited in between. */
  async advance(ms) {
    const until = this.elapsed + ms;
    await settle();
    for (let next = this._nextBefore(until); next; next = this._nextBefore(until)) {
      const [id, timer] = next;
      this.elapsed = Math.max(this.elapsed, timer.at);
      if (timer.every === null) this._timers.delete(id);
      else timer.at += timer.every;
      timer.act();
      await settle();
    }
    this.elapsed = until;
    await settle();
  }

  _add(act, ms, every) {
    this._lastId += 1;
    this._timers.set(this._lastId, { act, every, at: this.elapsed + ms });
    return this._lastId;
  }

  _nextBefore(until) {
    const due = [...this._timers].filter(([, { at }]) => at <= until);
    return due.sort(([, one], [, other]) => one.at - other.at)[0];
  }
}

/** Everything that is promised and needs no time is done afterwards. */
export async function settle() {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((done) => realSetImmediate(done));
}

/** Waits in real time, for what runs outside of JavaScript such as a digest. */
export async function until(condition, what) {
  for (let turn = 0; turn < 2000; turn += 1) {
    if (condition()) return;
    await new Promise((done) => realSetImmediate(done));
  }
  throw new Error(`never: ${what}`);
}
