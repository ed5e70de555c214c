// What getStats() says, gathered per seat.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  selectedCandidatePair,
  TransportStats,
} from "../../../static/js/consults/media/transport_stats.js";

const MIDS = {
  mic: "0",
  camera: "1",
  screen: "2",
  slots: [{ audio: "3", video: "4" }],
  stage: "5",
};

function report(...entries) {
  return new Map(entries.map((entry) => [entry.id, entry]));
}

const TRANSPORT = { id: "T", type: "transport", selectedCandidatePairId: "P2" };
const PAIRS = [
  { id: "P1", type: "candidate-pair", nominated: true, state: "succeeded", bytesReceived: 1 },
  { id: "P2", type: "candidate-pair", currentRoundTripTime: 0.08, availableOutgoingBitrate: 9e5 },
];

test("the pair that the transport has selected is the one that counts", () => {
  assert.equal(selectedCandidatePair(report(...PAIRS, TRANSPORT)).id, "P2");
});

test("without a transport entry, as in Firefox, it is the selected or the nominated pair", () => {
  assert.equal(selectedCandidatePair(report(...PAIRS)).id, "P1");
  const selected = { id: "P3", type: "candidate-pair", selected: true };
  const failed = { id: "P0", type: "candidate-pair", nominated: true, state: "failed" };
  assert.equal(selectedCandidatePair(report(failed, selected)).id, "P3");
  assert.equal(selectedCandidatePair(report(failed)), null);
});

test("each stream is found by its MID, whoever sends it", () => {
  const read = new TransportStats().read(
    report(
      ...PAIRS,
      TRANSPORT,
      { id: "a", type: "inbound-rtp", mid: "3", timestamp: 0, packetsReceived: 50, jitter: 0.02 },
      { id: "v", type: "inbound-rtp", mid: "4", timestamp: 0, framesDecoded: 24, frameWidth: 640 },
      { id: "s", type: "inbound-rtp", mid: "5", timestamp: 0, framesDecoded: 3 },
      { id: "m", type: "outbound-rtp", mid: "0", timestamp: 0, packetsSent: 40 },
    ),
    MIDS,
  );
  assert.equal(read.rttMs, 80);
  assert.equal(read.availableOutgoing, 900_000);
  assert.equal(read.slots[0].audio.packets, 50);
  assert.equal(read.slots[0].audio.jitterMs, 20);
  assert.equal(read.slots[0].video.frames, 24);
  assert.equal(read.slots[0].video.width, 640);
  assert.equal(read.stage.video.frames, 3);
  assert.equal(read.uplink.mic.packets, 40);
  assert.equal(read.uplink.screen, null);
});

test("bit rates are those since the previous reading", () => {
  const stats = new TransportStats();
  const at = (timestamp, bytesReceived) =>
    stats.read(report({ id: "v", type: "inbound-rtp", mid: "4", timestamp, bytesReceived }), MIDS)
      .slots[0].video.bitrate;
  assert.equal(at(1000, 500_000), 0, "the first reading has nothing to compare with");
  assert.equal(at(3000, 750_000), 1_000_000);
  assert.equal(at(4000, 750_000), 0);
});

test("a camera in two layers is described by the larger one, and counted with both", () => {
  const stats = new TransportStats();
  const layer = (id, frameWidth, bytesSent, timestamp) => ({
    id,
    type: "outbound-rtp",
    mid: "1",
    timestamp,
    frameWidth,
    framesEncoded: frameWidth / 10,
    packetsSent: 10,
    bytesSent,
  });
  stats.read(report(layer("s", 160, 0, 0), layer("l", 640, 0, 0)), MIDS);
  const { camera } = stats.read(
    report(layer("s", 160, 10_000, 1000), layer("l", 640, 100_000, 1000)),
    MIDS,
  ).uplink;
  assert.deepEqual([camera.width, camera.frames, camera.packets], [640, 64, 20]);
  assert.equal(camera.bitrate, 880_000);
});
