// Who is here, and the buttons of whoever may let people in and out.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openPage } from "../support/page.js";

const WORDS = {
  youNamed: "{name} (you)",
  role_patient: "Patient",
  guest_relative: "Relative",
  interprets: "{one} ⇄ {other}",
  place_in: "Here",
  place_waiting: "Waiting",
  place_knocking: "Wants to come in",
  admit: "Let in",
  sendBack: "To the waiting room",
  remove: "Remove",
};

openPage(`<script type="application/json" id="consult-words">${JSON.stringify(WORDS)}</script>
  <ul id="list" data-people></ul>
  <template id="person-template"><li><span class="face"></span><bdi></bdi>
    <p class="person-role"></p>
    <p class="person-place"></p><div class="person-door" hidden></div></li></template>`);
const { PeopleList } = await import("../../../static/js/consults/room/people_list.js");

const SEAT = {
  id: "p",
  name: "Dr. Ana María Ruiz",
  role: "patient",
  kind: null,
  pair: null,
  speaks: "es",
  mine: false,
  place: "waiting",
  admitted: false,
  knocking: true,
  canBeShownOut: true,
};
const CHAIR = { canAdmit: true };

let acts;
let people;
const list = document.getElementById("list");

beforeEach(() => {
  acts = [];
  list.replaceChildren();
  people = new PeopleList([list], (event, { id }) => acts.push([event, id]));
});

const buttons = () => [...list.querySelectorAll("button")].map(({ textContent }) => textContent);
const words = (selector) => list.querySelector(selector).textContent;

test("a person is shown with role, language and place", () => {
  people.show([SEAT], CHAIR);
  assert.equal(words("bdi"), "Dr. Ana María Ruiz");
  assert.equal(words(".face"), "AR");
  assert.equal(words(".person-role"), "Patient · Spanish");
  assert.equal(words(".person-place"), "Wants to come in");
  people.show([{ ...SEAT, kind: "relative", role: "guest", mine: true, place: "in" }], CHAIR);
  assert.equal(words("bdi"), "Dr. Ana María Ruiz (you)");
  assert.equal(words(".person-role"), "Relative · Spanish");
  people.show([{ ...SEAT, pair: ["es", "de"] }], CHAIR);
  assert.equal(words(".person-role"), "Spanish ⇄ German");
});

test("whoever may let people in has the buttons that fit where the person is", () => {
  people.show([SEAT], CHAIR);
  assert.deepEqual(buttons(), ["Let in", "Remove"]);
  people.show([{ ...SEAT, place: "in", admitted: true, knocking: false }], CHAIR);
  assert.deepEqual(buttons(), ["To the waiting room", "Remove"]);
  people.show([{ ...SEAT, place: "absent", knocking: false }], CHAIR);
  assert.deepEqual(buttons(), []);
});

test("nobody has them for themselves, for the one who stays, or without the right", () => {
  people.show([{ ...SEAT, mine: true }], CHAIR);
  assert.deepEqual(buttons(), []);
  people.show([{ ...SEAT, canBeShownOut: false }], CHAIR);
  assert.deepEqual(buttons(), []);
  people.show([SEAT], { canAdmit: false });
  assert.deepEqual(buttons(), []);
});

test("a button says what it does, about whom, and does it", () => {
  people.show([SEAT], CHAIR);
  const [admit] = list.querySelectorAll("button");
  const name = document.getElementById(admit.getAttribute("aria-describedby"));
  assert.equal(name.textContent, SEAT.name);
  admit.click();
  assert.deepEqual(acts, [["seat.admit", "p"]]);
});

test("what has not changed is left alone; the focus stays where it was", () => {
  people.show([SEAT], CHAIR);
  const [admit, remove] = list.querySelectorAll("button");
  people.show([{ ...SEAT, gain: 0.2, sharing: true }], CHAIR);
  assert.equal(list.querySelector("button"), admit);
  remove.focus();
  people.show([SEAT, { ...SEAT, id: "q", role: "guest", kind: "relative" }], CHAIR);
  assert.notEqual(document.activeElement, remove);
  assert.equal(document.activeElement.textContent, "Remove");
});
