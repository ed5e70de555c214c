// Early signs of a lost connection.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SilenceWatch } from "../../../static/js/consults/media/silence_watch.js";

/**
 * Observes each 250 ms. `bytesAt` says what has been received by then. Returns when it was lost, or
 * null.
 */
function lostAt(watch, bytesAt, { from = 0, until }) {
  for (let now = from; now <= until; now += 250) if (watch.observe(bytesAt(now), now)) return now;
  return null;
}

describe("a connection that carries only the node's report each second", () => {
  const reports = (now) => Math.floor(now / 1000) * 60;

  test("is not lost between two reports", () => {
    assert.equal(lostAt(new SilenceWatch(0), reports, { until: 60_000 }), null);
  });

  test("survives one missing report and is lost after two and a half seconds", () => {
    const watch = new SilenceWatch(0);
    const bytes = (now) => reports(Math.min(now, 10_000));
    assert.equal(lostAt(watch, bytes, { until: 12_500 }), null);
    assert.equal(lostAt(watch, bytes, { from: 12_750, until: 20_000 }), 12_750);
  });
});

describe("a connection that carried sound without a pause", () => {
  const sound = (now) => now * 4;

  test("is lost after one and a half seconds", () => {
    const bytes = (now) => sound(Math.min(now, 10_000));
    assert.equal(lostAt(new SilenceWatch(0), bytes, { until: 20_000 }), 11_750);
  });

  test("must have carried it for more than a second and a half to count as busy", () => {
    const bytes = (now) => sound(Math.min(now, 1250));
    assert.equal(lostAt(new SilenceWatch(0), bytes, { until: 20_000 }), 4000);
  });

  test("is given the longer time again after a quiet moment", () => {
    const watch = new SilenceWatch(0);
    assert.equal(lostAt(watch, sound, { until: 5000 }), null);
    watch.observe(sound(5000), 5250); // quiet
    watch.observe(sound(5500), 5500);
    assert.equal(
      lostAt(watch, () => sound(5500), { from: 5750, until: 20_000 }),
      8250,
    );
  });
});

describe("when something else looks wrong", () => {
  test("one more second of silence is enough", () => {
    const watch = new SilenceWatch(0);
    watch.observe(100, 0);
    watch.doubt(0);
    assert.equal(watch.observe(100, 1000), false);
    assert.equal(watch.observe(100, 1001), true);
  });

  test("a packet in that second clears the doubt", () => {
    const watch = new SilenceWatch(0);
    watch.observe(100, 0);
    watch.doubt(0);
    watch.observe(200, 900);
    assert.equal(watch.observe(200, 2000), false);
  });

  test("silence that lasted already is not forgiven", () => {
    const watch = new SilenceWatch(0);
    watch.observe(100, 0);
    watch.doubt(2400);
    assert.equal(watch.observe(100, 2600), true);
  });
});

test("what was silent while connecting does not count once connected", () => {
  const watch = new SilenceWatch(0);
  watch.observe(-1, 0);
  watch.restart(8000);
  assert.equal(watch.observe(-1, 8250), false);
});
