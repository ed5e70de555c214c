// The chat on the page: what is written, what waits, what comes in.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { settle } from "../support/clock.js";
import { openPage, type } from "../support/page.js";

const WORDS = {
  you: "You",
  sending: "Sending…",
  notSent: "Not sent yet",
  tooLong: "At most {count} characters",
  chatFrom: "{name}: {text}",
};

openPage(`
  <script type="application/json" id="consult-words">${JSON.stringify(WORDS)}</script>
  <p id="said"></p><p id="said-now"></p>
  <template id="line-template"><li><p><bdi></bdi><time></time></p><p class="chat-text"></p>
    <p class="chat-state" hidden></p></li></template>
  <aside id="panel"></aside>`);
const { ChatPanel } = await import("../../../static/js/consults/room/chat_panel.js");

let chat;
let field;
let panel;
let requests;
let server;

beforeEach(() => {
  panel = document.getElementById("panel");
  panel.innerHTML = `<ol class="chat-lines"></ol><p class="chat-empty"></p>
    <form><textarea></textarea><p class="field-error" hidden></p></form>`;
  field = panel.querySelector("textarea");
  requests = [];
  server = { "chat.say": async () => ({}), "chat.since": async () => ({ chat: [] }) };
  const signalling = {
    request(event, message) {
      requests.push({ event, ...message });
      return server[event](message);
    },
  };
  chat = new ChatPanel(signalling, "me", panel);
});

function line(number, { seat = "other", text = `line ${number}`, clientId = "" } = {}) {
  return { number, seat, text, clientId, name: "Ana", at: "2026-03-09T09:00:00Z" };
}

function shown() {
  return [...panel.querySelectorAll(".chat-lines li")].map(
    (item) => item.querySelector(".chat-text").textContent,
  );
}

function states() {
  return [...panel.querySelectorAll(".chat-state")].map(({ textContent }) => textContent);
}

const asked = (event) => requests.filter((request) => request.event === event);

async function write(text) {
  type(field, text);
  panel.querySelector("form").dispatchEvent(new Event("submit", { cancelable: true }));
  await settle();
}

test("a written line is sent under an id of its own and gets the server's number", async () => {
  server["chat.say"] = async ({ text, client_id }) => ({
    line: line(1, { seat: "me", text, clientId: client_id }),
  });
  await write("  Guten Tag  ");
  const [{ channel, text, client_id }] = asked("chat.say");
  assert.deepEqual([channel, text], ["everyone", "Guten Tag"]);
  assert.match(client_id, /^[0-9a-f-]{36}$/);
  assert.deepEqual(shown(), ["Guten Tag"]);
  assert.equal(panel.querySelector("li").dataset.number, "1");
  assert.deepEqual(states(), [""]);
  assert.equal(field.value, "");
  assert.equal(chat.last, 1);
});

test("the server's copy of one's own line is not shown beside it", async () => {
  let answer;
  server["chat.say"] = () => new Promise((resolve) => (answer = resolve));
  await write("once");
  const own = line(1, { seat: "me", text: "once", clientId: asked("chat.say")[0].client_id });
  chat.receive([own]);
  assert.deepEqual(states(), [""]);
  answer({ line: own });
  await settle();
  chat.receive([own]);
  assert.deepEqual(shown(), ["once"]);
});

test("what could not be sent waits and goes out again, in order, under the same ids", async () => {
  server["chat.say"] = async () => {
    throw new Error("no answer");
  };
  await write("first");
  await write("second");
  assert.deepEqual(states(), ["Not sent yet", "Sending…"]);
  const failed = asked("chat.say")[0].client_id;
  let number = 0;
  server["chat.say"] = async ({ text, client_id }) => {
    number += 1;
    return { line: line(number, { seat: "me", text, clientId: client_id }) };
  };
  requests.length = 0;
  await chat.flush();
  assert.deepEqual(
    asked("chat.say").map(({ text }) => text),
    ["first", "second"],
  );
  assert.equal(asked("chat.say")[0].client_id, failed);
  assert.deepEqual(states(), ["", ""]);
  requests.length = 0;
  await chat.flush();
  assert.deepEqual(requests, [], "nothing is sent twice");
});

test("what the server refuses for good comes back into the field, with its sentence", async () => {
  server["chat.say"] = async () => {
    throw Object.assign(new Error("The consultation is over."), { final: true });
  };
  await write("too late");
  assert.deepEqual(shown(), []);
  assert.equal(field.value, "too late");
  assert.equal(panel.querySelector(".field-error").textContent, "The consultation is over.");
  assert.equal(panel.querySelector(".field-error").hidden, false);
});

test("a text that is too long is not sent; an empty one neither", async () => {
  await write("a".repeat(2001));
  assert.equal(panel.querySelector(".field-error").textContent, "At most 2000 characters");
  await write("   ");
  assert.deepEqual(requests, []);
  server["chat.say"] = async ({ text }) => ({ line: line(1, { seat: "me", text }) });
  await write("a".repeat(2000));
  assert.equal(asked("chat.say").length, 1);
  assert.equal(panel.querySelector(".field-error").hidden, true);
});

test("lines stand in the order of their numbers, and what waits after them", async () => {
  server["chat.say"] = async () => {
    throw new Error("no answer");
  };
  await write("mine");
  chat.receive([line(2), line(1)]);
  chat.receive([line(3)]);
  assert.deepEqual(shown(), ["line 1", "line 2", "line 3", "mine"]);
});

test("a gap is asked for, once, from the last line without one", async () => {
  server["chat.since"] = async () => ({ chat: [line(2), line(3)] });
  chat.receive([line(1)]);
  chat.receive([line(3)]);
  chat.receive([line(4)]);
  await settle();
  assert.deepEqual(asked("chat.since"), [{ event: "chat.since", channel: "everyone", after: 1 }]);
  assert.deepEqual(shown(), ["line 1", "line 2", "line 3", "line 4"]);
});

test("others' lines are announced and counted until they are read", async () => {
  const counts = [];
  chat.onUnread = (count) => counts.push(count);
  chat.receive([line(1)]);
  assert.equal(document.getElementById("said").textContent, "Ana: line 1");
  chat.receive([line(2), line(3, { seat: "me" })]);
  chat.receive([line(4)], { quiet: true });
  chat.isOpen = () => true;
  chat.receive([line(5)]);
  chat.read();
  assert.deepEqual(counts, [1, 2, 0]);
  assert.equal(document.getElementById("said").textContent, "Ana: line 5");
});
