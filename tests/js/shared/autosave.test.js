// A draft saves itself: when, what it says, and what is never lost.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FakeClock } from "../support/clock.js";
import { byId, closePage, openPage, startControllers, type } from "../support/page.js";

openPage();
const { Application } = await import("@hotwired/stimulus");
const { default: Autosave } = await import(
  "../../../static/js/shared/forms/autosave_controller.js"
);

const PAGE = `<form id="draft" action="/draft" data-controller="autosave"
    data-autosave-url-value="/save"
    data-autosave-saved-value="Saved at {time}" data-autosave-saving-value="Saving…"
    data-autosave-failed-value="Not saved yet. We keep trying.">
  <textarea id="text" name="text"></textarea>
  <p id="words" data-autosave-target="words"></p></form>`;

let answer;
let application;
let clock;
let sent;

beforeEach(async () => {
  document.body.innerHTML = PAGE;
  application = await startControllers({ autosave: Autosave }, Application);
  clock = new FakeClock();
  sent = [];
  answer = () => json(200, { version: 1 });
  globalThis.fetch = async (url, { body, headers, method }) => {
    sent.push({ url, method, text: body.get("text"), token: headers["X-CSRFToken"] });
    return answer();
  };
});

afterEach(async () => {
  await closePage(application);
  clock.restore();
});

function json(status, body) {
  const headers = new Headers({ "Content-Type": "application/json" });
  return { ok: status < 400, status, statusText: "", headers, json: async () => body };
}

const words = () => byId("words").textContent;
const state = () => byId("words").dataset.state;

/** Whether the browser would ask before the page is left. */
function asksBeforeLeaving() {
  const event = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
}

test("saves once, a moment after the last key, and says when", async () => {
  type(byId("text"), "The patient");
  await clock.advance(1000);
  type(byId("text"), "The patient has");
  await clock.advance(1499);
  assert.deepEqual(sent, []);
  await clock.advance(1);
  assert.deepEqual(sent, [
    { url: "/save", method: "POST", text: "The patient has", token: "the-token" },
  ]);
  assert.match(words(), /^Saved at \d/);
  assert.equal(state(), "saved");
  await clock.advance(60_000);
  assert.equal(sent.length, 1, "nothing changed, nothing is sent");
});

test("says that it saves while the server has not answered", async () => {
  let arrive;
  answer = () => new Promise((resolve) => (arrive = resolve));
  type(byId("text"), "a");
  await clock.advance(1500);
  assert.equal(words(), "Saving…");
  arrive(json(200, {}));
  await clock.advance(0);
  assert.match(words(), /^Saved/);
});

test("what is typed while it saves is saved after it, never beside it", async () => {
  let arrive;
  answer = () => new Promise((resolve) => (arrive = resolve));
  type(byId("text"), "first");
  await clock.advance(1500);
  type(byId("text"), "first and second");
  await clock.advance(3000);
  assert.equal(sent.length, 1);
  assert.equal(asksBeforeLeaving(), true);
  answer = () => json(200, {});
  arrive(json(200, {}));
  await clock.advance(500);
  assert.deepEqual(
    sent.map(({ text }) => text),
    ["first", "first and second"],
  );
  assert.equal(asksBeforeLeaving(), false);
});

describe("when it fails", () => {
  test("for want of a connection it tries again until it succeeds", async () => {
    answer = () => {
      throw new TypeError("Failed to fetch");
    };
    type(byId("text"), "kept");
    await clock.advance(1500);
    assert.equal(words(), "Not saved yet. We keep trying.");
    assert.equal(state(), "failed");
    assert.equal(asksBeforeLeaving(), true);
    await clock.advance(4999);
    assert.equal(sent.length, 1);
    answer = () => json(200, {});
    await clock.advance(1);
    assert.equal(sent.length, 2);
    assert.equal(sent[1].text, "kept");
    assert.equal(state(), "saved");
    assert.equal(asksBeforeLeaving(), false);
  });

  test("because of the server it tries again too", async () => {
    answer = () => json(503, null);
    type(byId("text"), "kept");
    await clock.advance(1500 + 5000 + 5000);
    assert.equal(sent.length, 3);
  });

  test("for want of the newest version it says the server's sentence and stops", async () => {
    answer = () => json(409, { error: "This draft was changed in another window." });
    type(byId("text"), "mine");
    await clock.advance(1500);
    assert.equal(words(), "This draft was changed in another window.");
    assert.equal(state(), "failed");
    await clock.advance(60_000);
    assert.equal(sent.length, 1);
    assert.equal(asksBeforeLeaving(), true, "what was typed is not lost silently");
  });

  test("for good, the next key tries again", async () => {
    answer = () => json(422, { error: "Too long." });
    type(byId("text"), "long");
    await clock.advance(1500);
    answer = () => json(200, {});
    type(byId("text"), "short");
    await clock.advance(1500);
    assert.equal(state(), "saved");
  });
});

describe("leaving the page", () => {
  test("is asked about only while something is unsaved", async () => {
    assert.equal(asksBeforeLeaving(), false);
    type(byId("text"), "a");
    assert.equal(asksBeforeLeaving(), true);
    await clock.advance(1500);
    assert.equal(asksBeforeLeaving(), false);
  });

  test("by sending the form is not asked about, and saves nothing behind its back", async () => {
    type(byId("text"), "a");
    byId("draft").dispatchEvent(new Event("submit", { cancelable: true }));
    assert.equal(asksBeforeLeaving(), false);
    await clock.advance(60_000);
    assert.deepEqual(sent, []);
  });
});

test("tells the page what the server answered", async () => {
  const answers = [];
  byId("draft").addEventListener("autosave:saved", ({ detail }) => answers.push(detail));
  answer = () => json(200, { version: 7 });
  type(byId("text"), "a");
  await clock.advance(1500);
  assert.deepEqual(answers, [{ version: 7 }]);
});
