// The week's opening hours: which fields show, and Monday's hours for the working days.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openPage, startControllers } from "../support/page.js";

openPage();
const { Application } = await import("@hotwired/stimulus");
const { default: AvailabilityWeek } = await import(
  "../../../static/js/scheduling/availability_week_controller.js"
);

const opening = ([start, end] = ["", ""]) => `<div class="opening"><input value="${start}">
  <input value="${end}"><details><input><input></details></div>`;
const day = (...hours) => `<fieldset data-availability-week-target="day"><div class="openings">
  ${[0, 1, 2].map((n) => opening(hours[n])).join("")}</div></fieldset>`;

let days;

beforeEach(async () => {
  const monday = day(["08:00", "12:00"], ["14:00", "17:00"]);
  document.body.innerHTML = `<div data-controller="availability-week"
    data-availability-week-added-value="Another" data-availability-week-copied-value="Copy">
    ${monday}${day().repeat(6)}</div>`;
  const application = await startControllers(
    { "availability-week": AvailabilityWeek },
    Application,
  );
  application.stop();
  days = [...document.querySelectorAll("fieldset")];
});

const shown = (fieldset) => [...fieldset.querySelectorAll(".opening")].map(({ hidden }) => !hidden);
const button = (fieldset, words) =>
  [...fieldset.querySelectorAll("button")].find(({ textContent }) => textContent === words);
const hours = (fieldset) =>
  [...fieldset.querySelectorAll(".opening")].map((row) => {
    const [start, end] = row.querySelectorAll("input");
    return `${start.value}-${end.value}`;
  });

test("an empty day shows one opening; a filled one those it has", () => {
  assert.deepEqual(shown(days[0]), [true, true, false]);
  assert.deepEqual(shown(days[1]), [true, false, false]);
});

test("the others come one by one, until there are no more", () => {
  const another = button(days[1], "Another");
  another.click();
  assert.deepEqual(shown(days[1]), [true, true, false]);
  assert.equal(
    document.activeElement,
    days[1].querySelectorAll(".opening")[1].querySelector("input"),
  );
  another.click();
  assert.deepEqual(shown(days[1]), [true, true, true]);
  assert.equal(another.hidden, true);
});

test("Monday's hours are copied to the working days, and can be seen there", () => {
  button(days[0], "Copy").click();
  for (const working of days.slice(1, 5)) {
    assert.deepEqual(hours(working), ["08:00-12:00", "14:00-17:00", "-"]);
    assert.deepEqual(shown(working), [true, true, false]);
  }
  assert.deepEqual(hours(days[5]), ["-", "-", "-"], "Saturday keeps its own");
});
