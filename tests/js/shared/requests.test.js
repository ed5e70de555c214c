// Requests to our own server, and what a refusal says.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { RequestRefused, sendRequest } from "../../../static/js/shared/requests.js";
import { openPage } from "../support/page.js";

let answer;
let request;

beforeEach(() => {
  openPage();
  globalThis.fetch = async (url, options) => {
    request = { url, ...options };
    return answer();
  };
});

function response(status, body, type = "application/json") {
  return () => ({
    ok: status < 400,
    status,
    statusText: "Status text",
    headers: new Headers({ "Content-Type": type }),
    json: async () => body,
  });
}

test("every request carries the CSRF token and asks for JSON", async () => {
  answer = response(200, { row: "7" });
  assert.deepEqual(await sendRequest("/x", { body: { a: 1 } }), { row: "7" });
  assert.equal(request.method, "POST");
  assert.equal(request.headers["X-CSRFToken"], "the-token");
  assert.equal(request.headers.Accept, "application/json");
  assert.equal(request.credentials, "same-origin");
});

test("objects go as JSON; forms as they are, with the type from the browser", async () => {
  answer = response(200, {});
  await sendRequest("/x", { body: { a: 1 } });
  assert.equal(request.body, '{"a":1}');
  assert.equal(request.headers["Content-Type"], "application/json");
  const fields = new URLSearchParams({ a: "1" });
  await sendRequest("/x", { body: fields });
  assert.equal(request.body, fields);
  assert.ok(!("Content-Type" in request.headers));
});

test("a refusal is an error with the server's sentence, its status and its answer", async () => {
  answer = response(422, { error: "Choose a day.", needs: "reason" });
  await assert.rejects(sendRequest("/x"), (error) => {
    assert.ok(error instanceof RequestRefused);
    assert.deepEqual([error.message, error.status], ["Choose a day.", 422]);
    assert.equal(error.answer.needs, "reason");
    return true;
  });
});

test("an answer without JSON is refused with its status", async () => {
  answer = response(502, null, "text/html");
  await assert.rejects(sendRequest("/x"), { message: "Status text", status: 502 });
});

test("a server that is not reached is said in the page's language", async () => {
  answer = () => {
    throw new TypeError("Failed to fetch");
  };
  await assert.rejects(sendRequest("/x"), {
    message: "The server cannot be reached.",
    status: 0,
  });
});

test("a request that we stop ourselves is no refusal", async () => {
  answer = () => {
    throw Object.assign(new Error("stopped"), { name: "AbortError" });
  };
  await assert.rejects(sendRequest("/x"), { name: "AbortError" });
});
