// Several files on a page, by tus-js-client as the browser has it, against a server that keeps what
// arrives.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { importForBrowser } from "../support/bundle.js";
import { settle, until } from "../support/clock.js";
import { closePage, openPage, startControllers } from "../support/page.js";
import { FakeTusServer } from "../support/tus_server.js";

openPage();
const { Application, defaultOptions, UploadController } = await importForBrowser(`
  export { Application } from "@hotwired/stimulus";
  export { defaultOptions } from "tus-js-client";
  export { default as UploadController } from "./static/js/records/upload_controller.js";`);

const WORDS = {
  waiting: "waiting",
  starting: "starting",
  sending: "{done} of {size}",
  resumed: "going on from {done}",
  retrying: "again in {seconds} s",
  arrived: "arrived",
  empty: "empty",
  failed: "failed",
  lost: "lost",
  overall: "{finished} of {count}, {percent}",
  all_arrived: "all arrived",
  some_failed: "some failed",
  leave: "still sending",
};
const PAGE = `<div id="records" data-controller="upload"
    data-upload-endpoint-value="/cases/1/uploads" data-upload-list-url-value="/cases/1/records"
    data-upload-words-value='${JSON.stringify(WORDS)}'>
  <form data-upload-target="zone"><input type="file" data-upload-target="input">
    <input type="file" data-upload-target="folder">
    <button data-upload-target="plainSend"></button></form>
  <div data-upload-target="sending" hidden><span data-upload-target="overallWords"></span>
    <p data-upload-target="speed"></p><p data-upload-target="signedOut" hidden></p>
    <progress data-upload-target="overallBar"></progress><p data-upload-target="status"></p>
    <ul data-upload-target="queue"></ul></div>
  <template data-upload-target="row"><li><bdi data-part="name"></bdi><bdi data-part="folder"></bdi>
    <span data-part="note"></span><button data-part="again" hidden></button>
    <progress data-part="bar"></progress>
    <div data-part="buttons"><button data-part="pause"></button>
    <button data-part="resume"></button><button data-part="cancel"></button></div>
    <div data-part="ask" hidden><button data-part="yes"></button>
    <button data-part="no"></button></div></li></template>
  <div data-upload-target="list"></div></div>`;

let application;
let server;
let lists;

beforeEach(() => {
  server = new FakeTusServer();
  defaultOptions.httpStack = server;
  lists = 0;
  globalThis.fetch = async () => {
    lists += 1;
    return { ok: true, status: 200, headers: new Map(), text: async () => `<p>list ${lists}</p>` };
  };
  localStorage.clear();
});

afterEach(() => closePage(application));

async function openUploads() {
  await closePage(application);
  document.body.innerHTML = PAGE;
  application = await startControllers({ upload: UploadController }, Application);
  const element = document.getElementById("records");
  const controller = application.getControllerForElementAndIdentifier(element, "upload");
  controller.smallFileBytes = 0;
  return controller;
}

const file = (name, bytes = 10, lastModified = 1) =>
  new File([bytesOf(name, bytes)], name, { type: "application/dicom", lastModified });

/** Another content for another name. */
function bytesOf(name, size, seed = name.length) {
  const bytes = new Uint8Array(size).fill(seed);
  bytes.set(new TextEncoder().encode(name).subarray(0, size));
  return bytes;
}

const text = (target) => document.querySelector(`[data-upload-target=${target}]`).textContent;
const rows = () => [...document.querySelectorAll("[data-upload-target=queue] li")];
const row = (name) =>
  rows().find((item) => item.querySelector("[data-part=name]").textContent === name);
const isState = (name, state) => row(name)?.dataset.state === state;
const patches = () => server.requests.filter(({ method }) => method === "PATCH");

describe("sending", () => {
  test("everything arrives, whole, with its name, kind and first bytes", async () => {
    const controller = await openUploads();
    controller.add([file("scan.dcm", 3000)]);
    await until(() => isState("scan.dcm", "arrived"), "arrived");
    const [upload] = server.uploads.values();
    assert.equal(upload.received.length, 3000);
    const metadata = Object.fromEntries(
      upload.metadata.split(",").map((pair) => {
        const [key, value] = pair.trim().split(" ");
        return [key, Buffer.from(value, "base64").toString("latin1")];
      }),
    );
    assert.equal(metadata.filename, "scan.dcm");
    assert.equal(metadata.filetype, "application/dicom");
    assert.equal(Buffer.from(metadata.head, "base64").length, 1024);
    assert.equal(server.requests[0].headers["X-CSRFToken"], "the-token");
    assert.equal(text("status"), "all arrived");
    assert.equal(text("overallWords"), "1 of 1, 100%");
    const { createHash } = await import("node:crypto");
    const sent = bytesOf("scan.dcm", 3000);
    assert.equal(metadata.sha256, createHash("sha256").update(sent).digest("hex"));
    assert.match(metadata.key, /^[0-9a-f]{32}$/);
  });

  test("three at once, and another one as soon as one has arrived", async () => {
    const held = [];
    server.intercept = ({ method }) =>
      method === "PATCH" ? new Promise((resolve) => held.push(() => resolve(null))) : null;
    const controller = await openUploads();
    const names = ["a", "b", "c", "d", "e", "f", "g"];
    controller.add(names.map((name) => file(name)));
    const inState = (state) => names.filter((name) => isState(name, state));
    for (let arrived = 0; arrived < names.length; arrived += 1) {
      const busy = Math.min(3, names.length - arrived);
      await until(() => held.length === busy, `${busy} are sent after ${arrived}`);
      await settle();
      assert.equal(inState("sending").length, busy);
      assert.equal(inState("waiting").length, names.length - arrived - busy);
      held.shift()();
      await until(
        () => controller.uploads.filter(({ state }) => state === "arrived").length > arrived,
        "arrived",
      );
    }
    assert.equal(text("status"), "all arrived");
  });

  test("an empty file is refused at once, and the others are sent", async () => {
    const controller = await openUploads();
    controller.add([file("empty.txt", 0), file("a")]);
    assert.equal(isState("empty.txt", "refused"), true);
    await until(() => text("status") === "some failed", "the end");
    assert.equal(server.uploads.size, 1);
  });

  test("what the server refuses is said in its words, and not tried again", async () => {
    server.intercept = ({ method }) =>
      method === "POST" ? { status: 415, body: "We cannot open this kind of file." } : null;
    const controller = await openUploads();
    controller.add([file("virus.exe")]);
    await until(() => isState("virus.exe", "refused"), "refused");
    const note = row("virus.exe").querySelector("[data-part=note]").textContent;
    assert.equal(note, "We cannot open this kind of file.");
    assert.equal(server.requests.length, 1);
  });

  test("of a folder of thousands only fifty have a row before their turn", async () => {
    server.intercept = () => new Promise(() => {});
    const controller = await openUploads();
    controller.add(Array.from({ length: 200 }, (_, n) => file(`slice ${n}`)));
    assert.equal(rows().length, 50);
  });
});

describe("going on", () => {
  test("after a lost connection only what is missing is sent again", async () => {
    server.losesAfter = 600;
    const controller = await openUploads();
    controller.add([file("scan.dcm", 1000)]);
    await until(() => isState("scan.dcm", "arrived"), "arrived");
    assert.deepEqual(
      patches().map(({ offset }) => Number(offset)),
      [0, 600],
    );
    assert.equal([...server.uploads.values()][0].received.length, 1000);
  });

  test("another page goes on with the file, and nothing on the computer names it", async () => {
    server.losesAfter = 600;
    server.intercept = ({ method }) => (method === "HEAD" ? new Promise(() => {}) : null);
    const first = await openUploads();
    first.add([file("HIV test.pdf", 1000)]);
    await until(() => server.requests.some(({ method }) => method === "HEAD"), "it was cut");
    assert.ok(localStorage.length > 0);
    assert.ok(!JSON.stringify({ ...localStorage }).includes("HIV"));

    server.intercept = () => null;
    server.requests.length = 0;
    const second = await openUploads();
    second.add([file("HIV test.pdf", 1000)]);
    await until(() => isState("HIV test.pdf", "arrived"), "arrived");
    assert.deepEqual(
      server.requests.map(({ method, offset }) => [method, offset]),
      [
        ["HEAD", undefined],
        ["PATCH", "600"],
      ],
    );
    assert.equal(server.uploads.size, 1);
    assert.equal([...server.uploads.values()][0].received.length, 1000);
    assert.equal(localStorage.length, 0, "what has arrived is forgotten");
  });

  for (const [what, other] of Object.entries({
    content: () => [bytesOf("scan.dcm", 1000, 99), ""],
    folder: () => [bytesOf("scan.dcm", 1000), "CD/ST2"],
  })) {
    test(`another file of the same name, size and time begins anew: its ${what}`, async () => {
      server.losesAfter = 600;
      server.intercept = ({ method }) => (method === "HEAD" ? new Promise(() => {}) : null);
      const first = await openUploads();
      first.add([file("scan.dcm", 1000)]);
      await until(() => server.requests.some(({ method }) => method === "HEAD"), "it was cut");
      server.intercept = () => null;
      const second = await openUploads();
      const [content, folder] = other();
      const chosen = new File([content], "scan.dcm", {
        type: "application/dicom",
        lastModified: 1,
      });
      Object.defineProperty(chosen, "webkitRelativePath", {
        value: folder && `${folder}/scan.dcm`,
      });
      second.add([chosen]);
      await until(() => isState("scan.dcm", "arrived"), "arrived");
      const uploads = [...server.uploads.values()];
      assert.equal(uploads.length, 2);
      assert.deepEqual(uploads[1].received, [...content]);
    });
  }

  test("a proxy's page in the place of an offset does not begin the file anew", async () => {
    server.losesAfter = 600;
    let pages = 0;
    server.intercept = ({ method }) => {
      if (method !== "HEAD" || pages > 0) return null;
      pages += 1;
      return { status: 502, body: "<html>", headers: { "Tus-Resumable": "" } };
    };
    const controller = await openUploads();
    controller.retryDelays = [0, 0, 0];
    controller.add([file("scan.dcm", 1000)]);
    await until(() => isState("scan.dcm", "arrived"), "arrived");
    assert.equal(server.uploads.size, 1);
    assert.deepEqual(
      patches().map(({ offset }) => Number(offset)),
      [0, 600],
    );
  });
});

test("a small file goes along with the request for its place", async () => {
  const controller = await openUploads();
  controller.smallFileBytes = 5000;
  controller.add([file("small.txt", 3000)]);
  await until(() => isState("small.txt", "arrived"), "arrived");
  assert.deepEqual(
    server.requests.map(({ method }) => method),
    ["POST"],
  );
  assert.equal([...server.uploads.values()][0].received.length, 3000);
});

describe("leaving the page", () => {
  const leave = () => {
    const event = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  };

  test("is asked about while files are on their way, and not afterwards", async () => {
    const controller = await openUploads();
    assert.equal(leave(), false);
    controller.add([file("a")]);
    assert.equal(leave(), true);
    await until(() => isState("a", "arrived"), "arrived");
    assert.equal(leave(), false);
  });
});

test("a hundred files cost one look at the list, not a hundred", async () => {
  const controller = await openUploads();
  controller.smallFileBytes = 5000;
  controller.add(Array.from({ length: 100 }, (_, n) => file(`slice ${n}`)));
  await until(() => text("status") === "all arrived", "arrived");
  assert.ok(lists <= 1, `${lists}`);
});
