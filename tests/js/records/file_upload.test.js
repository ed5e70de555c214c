// One file on its way: its states, its retries, what it says.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FakeClock } from "../support/clock.js";
import { openPage } from "../support/page.js";

openPage();
const { FileUpload, STALLED_MS } = await import("../../../static/js/records/file_upload.js");

const PARTS = [
  "name",
  "note",
  "buttons",
  "pause",
  "resume",
  "cancel",
  "ask",
  "yes",
  "no",
  "again",
  "folder",
];
const ROW = `<li><progress data-part="bar"></progress>${PARTS.map((name) =>
  ["pause", "resume", "cancel", "yes", "no", "again"].includes(name)
    ? `<button data-part="${name}"></button>`
    : `<span data-part="${name}"></span>`,
).join("")}</li>`;

let clock;
let desk;
let tus;
let upload;

beforeEach(() => {
  clock = new FakeClock();
  document.body.innerHTML = `<ul id="queue">${ROW}</ul>`;
  tus = {
    url: null,
    options: { chunkSize: 8 * 1024 * 1024, uploadDataDuringCreation: false },
    calls: [],
    earlier: [],
    start() {
      this.calls.push("start");
    },
    async abort(terminates = false) {
      this.calls.push(terminates ? "terminate" : "abort");
    },
    findPreviousUploads: async () => tus.earlier,
    resumeFromPreviousUpload(earlier) {
      this.calls.push(`resume ${earlier.uploadUrl}`);
      this.url = earlier.uploadUrl;
    },
  };
  desk = {
    said: [],
    settledWith: [],
    started: 0,
    queueTarget: document.getElementById("queue"),
    word: (key, values = {}) => [key, ...Object.values(values)].join(" "),
    say: (words) => desk.said.push(words),
    digestFor: async () => "digest",
    isTwin: () => false,
    uploadFor: async (_, events) => Object.assign(tus, events),
    retryDelay: (attempt) => [0, 3000][attempt] ?? 60_000,
    startNext: () => {
      desk.started += 1;
    },
    showOverall: () => {},
    settled: ({ state }) => desk.settledWith.push(state),
  };
  const row = document.querySelector("li");
  upload = new FileUpload({ name: "scan.dcm", size: 1000 }, row, desk);
});

afterEach(() => {
  upload.release();
  clock.restore();
});

const note = () => upload.row.querySelector("[data-part=note]").textContent;
const isShown = (part) => !upload.row.querySelector(`[data-part=${part}]`).hidden;
const press = (part) => upload.row.querySelector(`[data-part=${part}]`).click();
const refusal = (status, body = "", headers = {}) => ({
  originalResponse: {
    getStatus: () => status,
    getBody: () => body,
    getHeader: (name) => ({ "Tus-Resumable": "1.0.0", ...headers })[name],
  },
});

/** The server has given the file a place, and has so many bytes. */
async function send(bytes) {
  upload.start();
  await clock.advance(0);
  tus.url = "/uploads/1";
  tus.onUploadUrlAvailable();
  if (bytes) tus.onProgress(bytes);
  tus.calls.length = 0;
}

test("waits for its turn, is sent, and arrives", async () => {
  assert.equal(upload.state, "waiting");
  assert.equal(upload.row.querySelector("[data-part=name]").textContent, "scan.dcm");
  await send(400);
  assert.equal(upload.row.dataset.state, "sending");
  assert.equal(note(), "sending 400 byte 1 kB");
  assert.equal(upload.bar.value, 400);
  tus.onSuccess();
  assert.equal(upload.state, "arrived");
  assert.deepEqual(desk.settledWith, ["arrived"]);
  assert.equal(isShown("buttons"), false);
  assert.deepEqual(desk.said, ["scan.dcm: arrived"]);
});

describe("going on after another page", () => {
  test("begins where the other ended, and says so once", async () => {
    tus.earlier = [{ uploadUrl: "/uploads/9" }];
    upload.start();
    await clock.advance(0);
    assert.deepEqual(tus.calls, ["resume /uploads/9", "start"]);
    tus.onProgress(600);
    assert.equal(note(), "resumed 600 byte 1 kB");
    tus.onProgress(700);
    assert.equal(note(), "sending 700 byte 1 kB");
  });

  test("begins at the beginning when there was none", async () => {
    upload.start();
    await clock.advance(0);
    assert.deepEqual(tus.calls, ["start"]);
  });
});

describe("a pause", () => {
  test("stops sending, lets another file go, and goes on from the same place", async () => {
    await send(400);
    press("pause");
    await clock.advance(0);
    assert.deepEqual(tus.calls, ["abort"]);
    assert.equal(upload.state, "paused");
    assert.equal(desk.started, 1);
    assert.deepEqual([isShown("pause"), isShown("resume")], [false, true]);
    press("resume");
    await clock.advance(0);
    assert.deepEqual(tus.calls, ["abort", "start"]);
    assert.equal(upload.state, "sending");
  });

  test("before the server has answered aborts only once it has", async () => {
    upload.start();
    await clock.advance(0);
    press("pause");
    await clock.advance(0);
    assert.deepEqual(tus.calls, ["start"]);
    tus.onUploadUrlAvailable();
    assert.deepEqual(tus.calls, ["start", "abort"]);
  });

  test("is not undone by progress that was on its way", async () => {
    await send(400);
    press("pause");
    tus.onProgress(500);
    assert.equal(upload.state, "paused");
  });
});

describe("stopping", () => {
  test("is asked first, and deletes what the server has", async () => {
    await send(400);
    press("cancel");
    assert.equal(isShown("ask"), true);
    press("no");
    assert.equal(isShown("ask"), false);
    assert.equal(upload.state, "sending");
    press("cancel");
    press("yes");
    await clock.advance(0);
    assert.deepEqual(tus.calls, ["terminate"]);
    assert.equal(upload.state, "cancelled");
    assert.equal(upload.sent, 0);
    assert.deepEqual(desk.settledWith, ["cancelled"]);
  });

  test("before the server has answered deletes as soon as it has", async () => {
    upload.start();
    await clock.advance(0);
    press("yes");
    assert.deepEqual(tus.calls, ["start"]);
    tus.onUploadUrlAvailable();
    assert.deepEqual(tus.calls, ["start", "terminate"]);
  });

  test("is final, whatever fails afterwards", async () => {
    await send(400);
    press("yes");
    tus.onError(refusal(500));
    assert.equal(upload.state, "cancelled");
  });
});

describe("a connection that is lost", () => {
  test("counts the seconds to the next attempt, then sends again", async () => {
    await send(400);
    assert.equal(tus.onShouldRetry({ originalResponse: null }, 1), true);
    assert.equal(note(), "retrying 3");
    await clock.advance(1000);
    assert.equal(note(), "retrying 2");
    tus.onProgress(500);
    assert.equal(upload.state, "sending");
    await clock.advance(5000);
    assert.equal(upload.state, "sending", "the countdown has ended");
  });

  test("is tried again after a conflict, a lock, a limit and an error of the server", async () => {
    await send(400);
    for (const status of [409, 423, 429, 500, 503]) {
      assert.equal(tus.onShouldRetry(refusal(status), 1), true, String(status));
    }
    for (const status of [400, 403, 404, 413, 415]) {
      assert.equal(tus.onShouldRetry(refusal(status), 1), false, String(status));
    }
  });

  test("that stalls without a word is made again", async () => {
    await send(400);
    await clock.advance(STALLED_MS - 1);
    assert.deepEqual(tus.calls, []);
    await clock.advance(1);
    assert.deepEqual(tus.calls, ["abort", "start"]);
  });

  test("that moves is left alone", async () => {
    await send(100);
    for (let sent = 200; sent < 1000; sent += 100) {
      await clock.advance(STALLED_MS - 1000);
      tus.onProgress(sent);
    }
    assert.deepEqual(tus.calls, []);
  });

  test("waits for the person after the last attempt, without holding others up", async () => {
    await send(400);
    tus.onError({ originalResponse: null });
    assert.equal(upload.state, "lost");
    assert.equal(desk.started, 1);
    assert.equal(isShown("resume"), true);
    await clock.advance(STALLED_MS * 2);
    assert.deepEqual(tus.calls, []);
    upload.comeOnline();
    await clock.advance(0);
    assert.deepEqual(tus.calls, ["abort", "start"]);
  });
});

describe("offline", () => {
  test("stops, keeps its place, and goes on when the browser is online again", async () => {
    await send(400);
    upload.goOffline();
    assert.equal(upload.state, "offline");
    assert.equal(upload.isBusy, true);
    assert.deepEqual(tus.calls, ["abort"]);
    await clock.advance(STALLED_MS * 2);
    assert.deepEqual(tus.calls, ["abort"]);
    upload.comeOnline();
    await clock.advance(0);
    assert.deepEqual(tus.calls, ["abort", "abort", "start"]);
  });

  test("leaves alone what waits, is paused, or has ended", async () => {
    upload.goOffline();
    assert.equal(upload.state, "waiting");
    await send(400);
    press("pause");
    upload.goOffline();
    upload.comeOnline();
    assert.equal(upload.state, "paused");
  });
});

describe("a page that goes", () => {
  test("stops what is sent, and nothing begins again", async () => {
    await send(400);
    upload.release();
    await clock.advance(STALLED_MS * 3);
    assert.deepEqual(tus.calls, ["abort"]);
  });

  test("while a file is being prepared does not let it begin", async () => {
    upload.start();
    upload.release();
    await clock.advance(0);
    assert.deepEqual(tus.calls, []);
  });
});

describe("a refusal", () => {
  test("is final and says the server's sentence", async () => {
    await send(0);
    tus.onError(refusal(415, "We cannot open this kind of file."));
    assert.equal(upload.state, "refused");
    assert.equal(note(), "We cannot open this kind of file.");
    assert.deepEqual(desk.settledWith, ["refused"]);
    assert.equal(upload.isUnderWay, false);
  });

  test("has words of its own when the server has none", async () => {
    await send(0);
    tus.onError(refusal(400));
    assert.equal(note(), "failed");
  });
});

test("a row comes into the page when its turn comes, and not again once ended", async () => {
  upload.row.remove();
  await send(400);
  assert.equal(upload.row.parentElement.id, "queue");
  tus.onSuccess();
  upload.row.remove();
  upload.show("arrived", "arrived");
  assert.equal(upload.row.isConnected, false);
});

describe("reading the file first", () => {
  test("says how far it is", async () => {
    let go;
    desk.digestFor = () => new Promise((resolve) => (go = resolve));
    upload.start();
    assert.equal(upload.state, "reading");
    assert.equal(upload.readOn(500), true);
    assert.equal(note(), "reading 50%");
    go("digest");
    await clock.advance(0);
    assert.deepEqual(tus.calls, ["start"]);
  });

  test("a pause lets it read on, and nothing is sent before it continues", async () => {
    let go;
    let times = 0;
    desk.digestFor = () => {
      times += 1;
      return new Promise((resolve) => (go = resolve));
    };
    upload.start();
    press("pause");
    await clock.advance(0);
    press("resume");
    go("digest");
    await clock.advance(0);
    assert.equal(times, 1);
    assert.equal(upload.state, "sending");
    assert.deepEqual(
      tus.calls.filter((call) => call === "start"),
      ["start"],
    );
  });

  test("stopping ends it", async () => {
    desk.digestFor = () => new Promise(() => {});
    upload.start();
    press("yes");
    assert.equal(upload.readOn(500), false);
  });

  test("a file that cannot be read is refused in words", async () => {
    desk.digestFor = async () => {
      throw new DOMException("gone", "NotReadableError");
    };
    upload.start();
    await clock.advance(0);
    assert.equal(upload.state, "refused");
    assert.equal(note(), "unreadable");
  });

  test("a file that is gone while it is sent is refused, and not tried again", async () => {
    await send(400);
    const gone = { causingError: new DOMException("gone", "NotReadableError") };
    assert.equal(tus.onShouldRetry(gone, 0), false);
    tus.onError(gone);
    assert.equal(note(), "unreadable");
  });
});

describe("the same content", () => {
  test("as another file of the page is not sent, unless the person wants to", async () => {
    desk.isTwin = ({ isWantedTwice }) => !isWantedTwice;
    upload.start();
    await clock.advance(0);
    assert.equal(upload.state, "duplicate");
    assert.equal(isShown("again"), true);
    assert.deepEqual(tus.calls, []);
    press("again");
    await clock.advance(0);
    assert.equal(upload.state, "sending");
    assert.equal(isShown("again"), false);
    assert.deepEqual(tus.calls, ["start"]);
  });

  test("as a record of the case is said in the server's words", async () => {
    await send(0);
    const answer = refusal(422, "We already have this file.", { "Upload-Duplicate": "1" });
    assert.equal(tus.onShouldRetry(answer, 0), false);
    tus.onError(answer);
    assert.equal(upload.state, "duplicate");
    assert.equal(note(), "We already have this file.");
  });
});

describe("a server between", () => {
  const page = (status) => refusal(status, "<html>nginx</html>", { "Tus-Resumable": undefined });

  test("that takes only small parts gets smaller ones", async () => {
    upload.size = 20 * 1024 * 1024;
    await send(400);
    assert.equal(tus.onShouldRetry(page(413), 1), true);
    assert.equal(tus.options.chunkSize, 2 * 1024 * 1024);
    assert.match(note(), /^between_retrying/);
    tus.onShouldRetry(page(413), 1);
    tus.onShouldRetry(page(413), 1);
    assert.equal(tus.options.chunkSize, 256 * 1024);
    assert.equal(tus.onShouldRetry(page(413), 1), false, "smaller parts do not help");
    tus.onError(page(413));
    assert.equal(upload.state, "lost");
    assert.equal(note(), "between_lost");
  });

  test("that answers with a page of its own is tried again, and the page never shown", async () => {
    for (const status of [200, 302, 403, 502, 504]) {
      await send(400);
      assert.equal(tus.onShouldRetry(page(status), 1), true, String(status));
    }
    tus.onError(page(502));
    assert.equal(note(), "between_lost");
  });
});

test("a session that has ended waits for the person, and then continues", async () => {
  await send(400);
  const ended = refusal(401, "", { "Tus-Resumable": undefined });
  assert.equal(tus.onShouldRetry(ended, 0), false);
  tus.onError(ended);
  assert.equal(upload.state, "signed_out");
  assert.equal(isShown("resume"), true);
  upload.comeSignedIn();
  await clock.advance(0);
  assert.deepEqual(tus.calls, ["abort", "start"]);
});

test("what is sent whole and not confirmed is said so, and watched", async () => {
  await send(400);
  tus.onProgress(1000);
  assert.equal(note(), "finishing 1 kB 1 kB");
  await clock.advance(STALLED_MS);
  assert.deepEqual(tus.calls, ["abort", "start"]);
});
