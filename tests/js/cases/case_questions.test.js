// The numbered questions of a request: added, removed and moved in place.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { settle } from "../support/clock.js";
import { byId, openPage, startControllers } from "../support/page.js";

openPage();
const { Application } = await import("@hotwired/stimulus");
const { default: CaseQuestions } = await import(
  "../../../static/js/cases/case_questions_controller.js"
);

const target = (name) => `data-case-questions-target="${name}"`;
const button = (action, name) =>
  `<button name="move" value="${action}:0" class="${action}" ${target(name)}
    data-action="case-questions#${action}"></button>`;
const row = (text) => `<li ${target("row")}><label><span ${target("number")}></span></label>
  <textarea>${text}</textarea>${button("up", "up")}${button("down", "down")}
  ${button("remove", "remove")}</li>`;

beforeEach(async () => {
  document.body.innerHTML = `<form data-controller="case-questions"
    data-case-questions-most-value="3" data-case-questions-name-value="Question {number}"
    data-case-questions-moved-value="Now number {number}"
    data-case-questions-removed-value="Removed">
    <ol ${target("rows")}>${row("first")}${row("second")}</ol>
    <p id="said" ${target("said")}></p><template ${target("blank")}>${row("")}</template>
    <button id="add" ${target("add")} data-action="case-questions#add"></button></form>`;
  await startControllers({ "case-questions": CaseQuestions }, Application);
});

const rows = () => [...document.querySelectorAll("li")];
const texts = () => rows().map((item) => item.querySelector("textarea").value);

async function press(selector, n = 0) {
  (selector === "#add" ? byId("add") : rows()[n].querySelector(selector)).click();
  await settle();
}

/** Numbers, ids, labels and button values agree with the order. */
function assertNumbered() {
  rows().forEach((item, n) => {
    const number = n + 1;
    assert.equal(item.querySelector("span").textContent, `Question ${number}`);
    assert.equal(item.querySelector("textarea").id, `f-question-${number}`);
    assert.equal(item.querySelector("label").htmlFor, `f-question-${number}`);
    assert.equal(item.querySelector(".remove").value, `remove:${number}`);
    assert.equal(item.querySelector(".up").hidden, n === 0);
    assert.equal(item.querySelector(".down").hidden, n === rows().length - 1);
  });
}

test("a question moves up and down, and where it is now is said", async () => {
  assertNumbered();
  await press(".down", 0);
  assert.deepEqual(texts(), ["second", "first"]);
  assert.equal(byId("said").textContent, "Now number 2");
  assertNumbered();
  await press(".up", 1);
  assert.deepEqual(texts(), ["first", "second"]);
  assert.equal(byId("said").textContent, "Now number 1");
  assert.equal(document.activeElement, rows()[0].querySelector("textarea"), "its button is hidden");
});

test("a new question has the focus; there are at most as many as the page says", async () => {
  await press("#add");
  assert.equal(document.activeElement.id, "f-question-3");
  assert.equal(byId("add").hidden, true);
  await press("#add");
  assert.equal(rows().length, 3);
  assertNumbered();
});

test("a question that is removed leaves the focus beside it; the last one is emptied", async () => {
  await press(".remove", 0);
  assert.deepEqual(texts(), ["second"]);
  assert.equal(document.activeElement.id, "f-question-1");
  assert.equal(byId("said").textContent, "Removed");
  assertNumbered();
  await press(".remove", 0);
  assert.deepEqual(texts(), [""]);
});
