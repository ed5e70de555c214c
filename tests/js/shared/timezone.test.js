// The time zone that is proposed.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { byId, openPage, startControllers } from "../support/page.js";

openPage();
const { Application } = await import("@hotwired/stimulus");
const { default: Timezone, currentZoneName } = await import(
  "../../../static/js/shared/forms/timezone_controller.js"
);

const OLDER = JSON.stringify({ "Asia/Kolkata": "Asia/Calcutta" });
let reported;

beforeEach(() => {
  reported = "Asia/Calcutta";
  Intl.DateTimeFormat = () => ({ resolvedOptions: () => ({ timeZone: reported }) });
});

async function show(html) {
  document.body.innerHTML = html;
  const application = await startControllers({ timezone: Timezone }, Application);
  application.stop();
}

const select = (chosen = "", force = "") => `<select id="zone" data-controller="timezone"
    data-timezone-names-value='${OLDER}' ${force}><option value=""></option>
  <option>Asia/Kolkata</option><option ${chosen && "selected"}>Europe/Berlin</option></select>`;

test("a browser's older name becomes today's", () => {
  const names = { "Asia/Kolkata": "Asia/Calcutta", "Europe/Kyiv": "Europe/Kiev" };
  assert.equal(currentZoneName("Europe/Kiev", names), "Europe/Kyiv");
  assert.equal(currentZoneName("Europe/Kyiv", names), "Europe/Kyiv");
  assert.equal(currentZoneName("America/Lima", names), "America/Lima");
});

test("the browser's zone is chosen where nothing is", async () => {
  await show(select());
  assert.equal(byId("zone").value, "Asia/Kolkata");
});

test("what somebody has chosen stays, unless it is to be replaced", async () => {
  await show(select("chosen"));
  assert.equal(byId("zone").value, "Europe/Berlin");
  await show(select("chosen", 'data-timezone-force-value="true"'));
  assert.equal(byId("zone").value, "Asia/Kolkata");
});

test("a zone that is not offered is not chosen", async () => {
  reported = "Antarctica/Troll";
  let changes = 0;
  document.body.addEventListener("change", () => {
    changes += 1;
  });
  await show(select());
  assert.equal(byId("zone").value, "");
  assert.equal(changes, 0);
});

test("the zone is said in words beside a hidden field", async () => {
  reported = "America/New_York";
  await show(`<div data-controller="timezone"><input id="zone" data-timezone-target="field">
    <span id="words" data-timezone-target="words"></span></div>`);
  assert.equal(byId("zone").value, "America/New_York");
  assert.equal(byId("words").textContent, "America/New York");
});
