// The opinion's editor: which version it shows, and fields that grow.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { FakeClock, settle } from "../support/clock.js";
import { byId, closePage, openPage, startControllers, type } from "../support/page.js";

openPage();
globalThis.CSS = { supports: () => false };
const { Application } = await import("@hotwired/stimulus");
const { default: Autosave } = await import(
  "../../../static/js/shared/forms/autosave_controller.js"
);
const { default: OpinionEditor } = await import(
  "../../../static/js/opinions/opinion_editor_controller.js"
);
const { default: Rows } = await import("../../../static/js/shared/forms/rows_controller.js");

const PAGE = `<form id="opinion" data-controller="autosave opinion-editor"
    data-autosave-url-value="/save"
    data-action="autosave:saved->opinion-editor#saved">
  <input type="hidden" name="version" value="1" data-opinion-editor-target="version">
  <textarea id="text" name="diagnosis" data-opinion-editor-target="text"></textarea>
  <div data-controller="rows" data-rows-max-value="2">
    <ol data-rows-target="list"><li data-rows-target="row"><input name="r-0">
      <button type="button" id="remove" data-action="rows#remove"><span></span></button></li></ol>
    <template data-rows-target="blank"><li data-rows-target="row"><input name="r-__n__"></li>
    </template>
    <button type="button" id="add" data-rows-target="adder" data-action="rows#add"></button>
  </div></form>`;

let application;
let clock;
let sent;
let version;

beforeEach(async () => {
  document.body.innerHTML = PAGE;
  const controllers = { autosave: Autosave, "opinion-editor": OpinionEditor, rows: Rows };
  application = await startControllers(controllers, Application);
  clock = new FakeClock();
  sent = [];
  version = 1;
  globalThis.fetch = async (_, { body }) => {
    sent.push(Object.fromEntries(body));
    version += 1;
    const headers = new Headers({ "Content-Type": "application/json" });
    return { ok: true, status: 200, headers, json: async () => ({ version }) };
  };
});

afterEach(async () => {
  await closePage(application);
  clock.restore();
});

test("each save names the version that the page shows: the one the last save made", async () => {
  type(byId("text"), "Agree");
  await clock.advance(1500);
  type(byId("text"), "Agree partly");
  await clock.advance(1500);
  assert.deepEqual(
    sent.map(({ version: named, diagnosis }) => [named, diagnosis]),
    [
      ["1", "Agree"],
      ["2", "Agree partly"],
    ],
  );
});

test("a row that was taken out is saved like a word that was typed", async () => {
  byId("remove").firstElementChild.click();
  await clock.advance(1500);
  assert.equal(sent.length, 1);
  assert.ok(!("r-0" in sent[0]));
});

test("a new row has a number of its own and the focus, up to the limit", async () => {
  byId("add").click();
  await settle();
  assert.equal(document.activeElement.name, "r-1");
  assert.equal(byId("add").hidden, true);
  byId("add").click();
  await settle();
  assert.equal(document.querySelectorAll("li").length, 2);
  byId("remove").click();
  await settle();
  byId("add").click();
  await settle();
  const names = [...document.querySelectorAll("li input")].map(({ name }) => name);
  assert.deepEqual(names, ["r-1", "r-2"], "a number is not given twice");
});

test("a field grows with what is written, where the browser does not do it", async () => {
  const text = byId("text");
  let height = 40;
  Object.defineProperty(text, "scrollHeight", { get: () => height });
  type(text, "one line");
  assert.equal(text.style.blockSize, "42px");
  height = 200;
  type(text, "many lines");
  assert.equal(text.style.blockSize, "202px");
  globalThis.CSS.supports = () => true;
  height = 300;
  type(text, "more");
  assert.equal(text.style.blockSize, "202px");
  globalThis.CSS.supports = () => false;
});

test("a field that leaves the page is listened to no longer", async () => {
  const text = byId("text");
  text.remove();
  await settle();
  Object.defineProperty(text, "scrollHeight", { get: () => 90 });
  text.style.blockSize = "";
  text.dispatchEvent(new Event("input"));
  assert.equal(text.style.blockSize, "");
});
