// The list of records: only rows that change are fetched.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { FakeClock } from "../support/clock.js";
import { openPage } from "../support/page.js";

openPage();
const { RecordsList } = await import("../../../static/js/records/records_list.js");

const row = (id, words, changing = false) =>
  `<li id="record-${id}" data-changing="${changing}">${words}</li>`;
let answers;
let asked;
let clock;
let list;

beforeEach(() => {
  clock = new FakeClock();
  document.body.innerHTML = `<div id="list"><ul data-as-of="T1" data-page="1">${row(2, "b", true)}
    ${row(1, "a")}</ul></div>`;
  asked = [];
  answers = [];
  globalThis.fetch = async (url) => {
    asked.push(url);
    const [status, html, asOf] = answers.shift() ?? [204, "", "T9"];
    const headers = new Map([["Records-As-Of", asOf]]);
    return { ok: true, status, headers, text: async () => html };
  };
  list = new RecordsList(document.getElementById("list"), "/records");
});

afterEach(() => {
  list.release();
  clock.restore();
});

const rows = () => [...document.querySelectorAll("li")].map((item) => item.textContent);

test("changed rows are replaced, new ones come to the top in order, removed ones go", async () => {
  answers = [
    [200, `${row(4, "d") + row(3, "c") + row(2, "B")}<li id="record-1" data-removed></li>`],
  ];
  await list.refresh();
  assert.deepEqual(rows(), ["d", "c", "B"]);
});

test("it asks since when it knows, as the server says", async () => {
  answers = [[200, row(2, "B"), "T2"]];
  await list.refresh();
  await list.refresh();
  assert.deepEqual(asked, ["/records?since=T1", "/records?since=T2"]);
});

test("an empty list is fetched whole", async () => {
  document.getElementById("list").innerHTML = "<p>No records yet</p>";
  answers = [[200, `<ul data-as-of="T2" data-page="1">${row(1, "a")}</ul>`]];
  await list.refresh();
  assert.deepEqual([asked, rows()], [["/records"], ["a"]]);
});

test("a later page shows no new rows", async () => {
  document.querySelector("ul").dataset.page = "2";
  answers = [[200, row(4, "d") + row(2, "B")]];
  await list.refresh();
  assert.deepEqual(rows(), ["B", "a"]);
});

test("never more rows than a page of the server", async () => {
  answers = [[200, Array.from({ length: 60 }, (_, n) => row(100 + n, `${n}`)).join("")]];
  await list.refresh();
  assert.equal(rows().length, 50);
  assert.equal(rows()[0], "0");
});

test("a row with somebody's focus in it stays", async () => {
  document.querySelector("li").innerHTML = "<button>b</button>";
  document.querySelector("button").focus();
  answers = [[200, row(2, "B")]];
  await list.refresh();
  assert.deepEqual(rows(), ["b", "a"]);
});

test("where nothing happens it is asked less and less often", async () => {
  list.watch();
  await clock.advance(2500);
  assert.equal(asked.length, 1);
  await clock.advance(2500);
  assert.equal(asked.length, 1);
  await clock.advance(1250);
  assert.equal(asked.length, 2);
  answers = [[200, row(2, "B")]];
  await clock.advance(60_000);
  assert.equal(asked.length, 3, "nothing is being checked any more");
});
