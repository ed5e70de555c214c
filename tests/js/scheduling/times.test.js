// Wall times, the countdown, and how far away an instant is.
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { FakeClock } from "../support/clock.js";
import { byId, closePage, openPage } from "../support/page.js";

openPage();
const { Application } = await import("@hotwired/stimulus");
const {
  default: Countdown,
  minutesAndSeconds,
  secondsLeft,
} = await import("../../../static/js/scheduling/countdown_controller.js");
const { formatTimeUntil } = await import("../../../static/js/consults/page_text.js");
const { addToWallTime, clockTime, isoDate, minutesAsClockTime, mondayOf, weekdayFromMonday } =
  await import("../../../static/js/scheduling/wall_time.js");

describe("a wall time", () => {
  test("is written as forms send it", () => {
    const at = new Date(2026, 2, 9, 8, 5);
    assert.equal(isoDate(at), "2026-03-09");
    assert.equal(clockTime(at), "08:05");
    assert.equal(isoDate(new Date(2026, 11, 31, 23, 59)), "2026-12-31");
  });

  test("can be minutes since midnight; the end of a day is its midnight", () => {
    assert.deepEqual([0, 65, 1439, 1440].map(minutesAsClockTime), [
      "00:00",
      "01:05",
      "23:59",
      "00:00",
    ]);
  });

  test("moves by days and minutes over the ends of days, months and years", () => {
    const move = (at, duration) => {
      const moved = addToWallTime(at, duration);
      return `${isoDate(moved)} ${clockTime(moved)}`;
    };
    assert.equal(move(new Date(2026, 2, 9, 23, 50), { minutes: 15 }), "2026-03-10 00:05");
    assert.equal(move(new Date(2026, 0, 1, 0, 5), { minutes: -15 }), "2025-12-31 23:50");
    assert.equal(move(new Date(2028, 1, 28, 9, 0), { days: 1 }), "2028-02-29 09:00");
    assert.equal(move(new Date(2026, 2, 1, 9, 0), { days: -1, minutes: 30 }), "2026-02-28 09:30");
  });

  test("stays what the clock shows when a day has 23 hours", () => {
    const before = new Date(2026, 2, 28, 9, 0); // the day before the change in Europe
    assert.equal(clockTime(addToWallTime(before, { days: 1 })), "09:00");
  });

  test("belongs to a week that begins on Monday", () => {
    const days = [9, 10, 11, 12, 13, 14, 15].map((day) => new Date(2026, 2, day, 12));
    assert.deepEqual(days.map(weekdayFromMonday), [0, 1, 2, 3, 4, 5, 6]);
    assert.deepEqual([...new Set(days.map((day) => isoDate(mondayOf(day))))], ["2026-03-09"]);
    assert.equal(clockTime(mondayOf(days[3])), "00:00");
    assert.equal(isoDate(mondayOf(new Date(2026, 2, 1))), "2026-02-23");
  });
});

describe("a countdown", () => {
  let application;
  let clock;

  afterEach(async () => {
    await closePage(application);
    clock?.restore();
  });

  async function countDown(until) {
    document.body.innerHTML = `<span id="left" data-controller="countdown"
      data-countdown-until-value="${until}" data-countdown-over-value="Time is up"></span>`;
    clock = new FakeClock(Date.parse("2026-03-09T09:00:00Z"));
    const overs = [];
    document.body.addEventListener("countdown:over", () => overs.push(clock.elapsed));
    application = Application.start();
    application.register("countdown", Countdown);
    await clock.advance(0);
    return overs;
  }

  test("rounds up, so that it says zero only when the time has come", () => {
    assert.equal(secondsLeft(61_000, 0), 61);
    assert.equal(secondsLeft(61_000, 1), 61);
    assert.equal(secondsLeft(61_000, 60_999), 1);
    assert.equal(secondsLeft(61_000, 61_000), 0);
    assert.equal(secondsLeft(61_000, 99_000), 0);
  });

  test("is minutes and two digits of seconds", () => {
    assert.deepEqual(
      [605, 60, 9, 0].map((left) => minutesAndSeconds(left, "en")),
      ["10:05", "1:00", "0:09", "0:00"],
    );
  });

  test("shows what is left, warns in the last minute, and says the end once", async () => {
    const overs = await countDown("2026-03-09T09:01:05Z");
    assert.equal(byId("left").textContent, "1:05");
    assert.equal(byId("left").dataset.state, "");
    await clock.advance(6000);
    assert.equal(byId("left").textContent, "0:59");
    assert.equal(byId("left").dataset.state, "short");
    await clock.advance(58_999);
    assert.deepEqual(overs, []);
    await clock.advance(1);
    assert.equal(byId("left").textContent, "Time is up");
    await clock.advance(60_000);
    assert.deepEqual(overs, [65_000]);
  });

  test("that is over already says so at once", async () => {
    const overs = await countDown("2026-03-09T08:00:00Z");
    assert.equal(byId("left").textContent, "Time is up");
    assert.deepEqual(overs, [0]);
  });
});

test("how far away an instant is, in the unit that people would use", () => {
  const now = Date.parse("2026-03-09T09:00:00Z");
  const until = (minutes) => formatTimeUntil(new Date(now + minutes * 60_000).toISOString(), now);
  assert.equal(until(12), "in 12 minutes");
  assert.equal(until(89), "in 89 minutes");
  assert.equal(until(90), "in 2 hours");
  assert.equal(until(35 * 60), "in 35 hours");
  assert.equal(until(48 * 60), "in 2 days");
  assert.equal(until(-5), "5 minutes ago");
});
