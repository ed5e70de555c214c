// The order of a chat: no line twice, none missing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatOrder } from "../../../static/js/consults/room/chat_order.js";

const line = (number) => ({ number, text: `line ${number}` });
const numbers = (lines) => lines.map(({ number }) => number);

test("lines that come in order are shown at once", () => {
  const order = new ChatOrder();
  assert.deepEqual(numbers(order.receive([line(1)])), [1]);
  assert.deepEqual(numbers(order.receive([line(2), line(3)])), [2, 3]);
  assert.equal(order.last, 3);
  assert.equal(order.hasGap, false);
});

test("a line that comes too early waits for those before it", () => {
  const order = new ChatOrder();
  order.receive([line(1)]);
  assert.deepEqual(order.receive([line(4), line(3)]), []);
  assert.equal(order.hasGap, true);
  assert.equal(order.last, 1);
  assert.deepEqual(numbers(order.receive([line(2)])), [2, 3, 4]);
  assert.equal(order.hasGap, false);
});

test("any order comes out sorted, without a line twice", () => {
  const orders = [
    [5, 4, 3, 2, 1],
    [2, 1, 2, 5, 4, 4, 3, 1],
    [1, 3, 5, 2, 4],
  ];
  for (const arrival of orders) {
    const order = new ChatOrder();
    const shown = arrival.flatMap((number) => numbers(order.receive([line(number)])));
    assert.deepEqual(shown, [1, 2, 3, 4, 5], arrival.join());
  }
});

test("a line that is known already is not shown again", () => {
  const order = new ChatOrder();
  order.receive([line(1), line(2)]);
  assert.deepEqual(order.receive([line(1), line(2)]), []);
  assert.equal(order.hasGap, false);
});

test("one's own line counts when the server has given it its number", () => {
  const order = new ChatOrder();
  order.receive([line(1)]);
  assert.deepEqual(order.confirm(line(2)), []);
  assert.equal(order.last, 2);
  assert.deepEqual(numbers(order.receive([line(2), line(3)])), [3]);
});

test("one's own line that is ahead of others' leaves a gap until they come", () => {
  const order = new ChatOrder();
  order.receive([line(1)]);
  assert.deepEqual(order.confirm(line(3)), []);
  assert.equal(order.hasGap, true);
  assert.deepEqual(numbers(order.receive([line(2)])), [2, 3]);
});

test("others' lines that waited for one's own are shown after it", () => {
  const order = new ChatOrder();
  order.receive([line(1), line(3)]);
  assert.deepEqual(numbers(order.confirm(line(2))), [3]);
});
