// The small rules behind the consult page.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  bitratesOf,
  lossBetween,
  median,
  sustainedBitrate,
} from "../../../static/js/consults/connection_check/measurements.js";
import {
  assessQuality,
  connectionWords,
} from "../../../static/js/consults/media/connection_quality.js";
import { consultMinutes } from "../../../static/js/consults/room/consult_clock.js";
import { changeWords } from "../../../static/js/consults/room/seat_changes.js";

describe("how good the connection is", () => {
  const measured = { loss_down: 0, loss_up: 0, rtt_ms: 80, video_paused: false };

  test("depends on loss in either direction, delay, and pictures that are held back", () => {
    assert.equal(assessQuality(measured), "good");
    assert.equal(assessQuality({ ...measured, loss_up: 0.05 }), "weak");
    assert.equal(assessQuality({ ...measured, loss_down: 0.05 }), "weak");
    assert.equal(assessQuality({ ...measured, rtt_ms: 401 }), "weak");
    assert.equal(assessQuality({ ...measured, loss_down: 0.16 }), "poor");
    assert.equal(assessQuality({ ...measured, video_paused: true }), "poor");
  });

  const fine = { connection: "connected", isSeated: true, isNarrow: false, quality: "good" };

  test("is said in words that tell what is lost: the media, the web, or both", () => {
    assert.deepEqual(connectionWords(fine), { quality: "good", words: "lineGood" });
    assert.deepEqual(connectionWords({ ...fine, quality: null }), {
      quality: "good",
      words: "lineGood",
    });
    assert.deepEqual(connectionWords({ ...fine, isSeated: false }), {
      quality: "lost",
      words: "webLost",
    });
    assert.deepEqual(connectionWords({ ...fine, connection: "lost" }), {
      quality: "lost",
      words: "lineLost",
    });
    assert.deepEqual(connectionWords({ ...fine, connection: "connecting", isSeated: false }), {
      quality: "lost",
      words: "lineLost",
    });
    assert.deepEqual(connectionWords({ ...fine, connection: "connecting" }), {
      quality: "connecting",
      words: "lineConnecting",
    });
  });

  test("is poor on a narrow connection, in other words than a bad one", () => {
    assert.deepEqual(connectionWords({ ...fine, isNarrow: true }), {
      quality: "poor",
      words: "lineSlow",
    });
    assert.deepEqual(connectionWords({ ...fine, quality: "poor" }), {
      quality: "poor",
      words: "linePoor",
    });
  });
});

describe("the consult's clock", () => {
  const state = { startedAt: "2026-03-09T09:00:00Z", pausedAt: null, pausedSeconds: 0 };
  const at = (time) => Date.parse(`2026-03-09T${time}Z`);

  test("counts whole minutes since the start", () => {
    assert.equal(consultMinutes(state, at("09:00:59")), 0);
    assert.equal(consultMinutes(state, at("09:12:00")), 12);
    assert.equal(consultMinutes({ ...state, startedAt: null }, at("09:12:00")), null);
  });

  test("leaves out the pauses, and stands still in one", () => {
    assert.equal(consultMinutes({ ...state, pausedSeconds: 180 }, at("09:12:00")), 9);
    const paused = { ...state, pausedAt: "2026-03-09T09:05:30Z" };
    assert.equal(consultMinutes(paused, at("09:30:00")), 5);
  });

  test("never runs backwards past the start, whatever this computer's clock says", () => {
    assert.equal(consultMinutes(state, at("08:50:00")), 0);
  });
});

describe("what is said of the other people", () => {
  const seat = (id, facts) => ({ id, place: "absent", knocking: false, sharing: false, ...facts });
  const said = (before, now) =>
    changeWords(before, now).map(({ seat: { id }, words }) => [id, words]);

  test("is where they are now", () => {
    const before = [
      seat("a"),
      seat("b", { place: "in" }),
      seat("c", { place: "in" }),
      seat("d"),
      seat("e", { place: "in" }),
    ];
    const now = [
      seat("a", { place: "in" }),
      seat("b", { place: "away" }),
      seat("c"),
      seat("d", { place: "waiting" }),
      seat("e", { place: "in" }),
    ];
    assert.deepEqual(said(before, now), [
      ["a", "joined"],
      ["b", "lost"],
      ["c", "left"],
      ["d", "arrived"],
    ]);
  });

  test("is that they knock, once", () => {
    const waits = seat("a", { place: "waiting" });
    const knocks = { ...waits, knocking: true };
    assert.deepEqual(said([waits], [knocks]), [["a", "knocks"]]);
    assert.deepEqual(said([knocks], [knocks]), []);
    assert.deepEqual(said([], [knocks]), [["a", "knocks"]]);
  });

  test("is that they share a screen; nothing is said of oneself", () => {
    const inside = seat("a", { place: "in" });
    const shares = { ...inside, sharing: true };
    assert.deepEqual(said([inside], [shares]), [["a", "sharesScreen"]]);
    assert.deepEqual(said([shares], [shares]), []);
    assert.deepEqual(said([], [{ ...shares, mine: true }]), []);
  });
});

describe("what the connection check measures", () => {
  const downlink = (packets, lost) => ({
    audio: { packets: packets / 2, lost: lost / 2 },
    video: { packets: packets / 2, lost: lost / 2 },
  });

  test("loss is the share of what was sent in between", () => {
    assert.equal(lossBetween(downlink(100, 0), downlink(190, 10)), 0.1);
    assert.equal(lossBetween(downlink(100, 10), downlink(200, 10)), 0);
    assert.equal(lossBetween(downlink(0, 0), downlink(0, 0)), 1, "nothing came");
    assert.equal(lossBetween(downlink(100, 20), downlink(200, 10)), 0, "late packets were found");
  });

  test("a bit rate is that of the better half: it rises in the first seconds", () => {
    assert.equal(sustainedBitrate([1, 2, 3, 4, 10, 10, 10, 11]), 10);
    assert.equal(sustainedBitrate([]), 0);
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([]), null);
  });

  test("the downlink is not said to be better than what came back shows", () => {
    const rates = { upBitrates: [900, 900], downBitrates: [400, 400] };
    assert.deepEqual(bitratesOf(rates, true), { rate_up: 900, rate_down: 600 });
    assert.deepEqual(bitratesOf(rates, false), { rate_up: 900, rate_down: 900 });
    const better = { upBitrates: [300], downBitrates: [400] };
    assert.equal(bitratesOf(better, true).rate_down, 400);
  });
});
