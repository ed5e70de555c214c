// What this person hears: gains, ramps, and which way a voice goes to the speaker.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FakeClock } from "../support/clock.js";
import { FakeAudio, FakeAudioContext, installWebAudio } from "../support/web_audio.js";
import { FakeStream, FakeTrack, installWebRtc } from "../support/webrtc.js";

installWebRtc();
const { AudioMixer } = await import("../../../static/js/consults/media/audio_mixer.js");

let clock;
let connection;
let mixer;
let onTracks;

beforeEach(() => {
  installWebRtc();
  installWebAudio();
  clock = new FakeClock();
  connection = {
    slots: [1, 2].map(() => ({ stream: new FakeStream([new FakeTrack("audio")]) })),
    on: (name, listener) => {
      assert.equal(name, "tracks");
      onTracks = listener;
    },
  };
  mixer = new AudioMixer(connection);
});

afterEach(() => {
  mixer.close();
  clock.restore();
});

async function resume() {
  const resumed = mixer.resume();
  await clock.advance(0);
  await resumed;
}

/** How loud a slot is at the speaker: by its element or through the graph, never both. */
function loudness(slot) {
  const { element, gainNode } = mixer._slots[slot];
  const isConnected = gainNode.outputs.has(FakeAudioContext.made[0].destination);
  const byGraph = isConnected ? gainNode.gain.value : 0;
  return (element.muted ? 0 : 1) + byGraph;
}

const close = (value, wanted) => assert.ok(Math.abs(value - wanted) < 0.02, `${value} ≠ ${wanted}`);

test("nothing is played before a click; after it, each slot at its gain", async () => {
  mixer.setGain(0, 1);
  mixer.setGain(1, 0.2);
  assert.equal(FakeAudioContext.made.length, 0);
  assert.equal(mixer.isSilent, true);
  await resume();
  assert.equal(mixer.isSilent, false);
  assert.equal(loudness(0), 1);
  assert.equal(loudness(1), 0.2);
});

describe("a change of gain", () => {
  beforeEach(resume);

  test("is ramped within a quarter of a second, without a step", async () => {
    mixer.setGain(0, 0.5);
    close(loudness(0), 0);
    await clock.advance(50);
    close(loudness(0), 0.5 * (1 - 1 / Math.E));
    await clock.advance(250);
    close(loudness(0), 0.5);
  });

  test("that is deliberate is slow, so that a voice that comes back does not startle", async () => {
    mixer.setGain(0, 0.5, { deliberate: true });
    await clock.advance(50);
    assert.ok(loudness(0) < 0.05);
    await clock.advance(550);
    close(loudness(0), 0.5 * (1 - 1 / Math.E));
    await clock.advance(3000);
    close(loudness(0), 0.5);
  });

  test("to full ends in the element alone, which the echo cancellation knows", async () => {
    mixer.setGain(0, 1);
    assert.equal(mixer._slots[0].element.muted, true);
    await clock.advance(300);
    assert.equal(mixer._slots[0].element.muted, false);
    close(loudness(0), 1);
  });

  test("from full begins where the element was: the original is ducked, not cut", async () => {
    mixer.setGain(0, 1);
    await clock.advance(300);
    mixer.setGain(0, 0.2);
    assert.equal(mixer._slots[0].element.muted, true);
    close(loudness(0), 1);
    await clock.advance(300);
    close(loudness(0), 0.2);
  });

  test("that comes during another one wins", async () => {
    mixer.setGain(0, 1);
    await clock.advance(100);
    mixer.setGain(0, 0.2);
    await clock.advance(5000);
    assert.equal(mixer._slots[0].element.muted, true);
    close(loudness(0), 0.2);
  });

  test("of a slot that does not exist changes nothing", () => {
    mixer.setGain(7, 1);
    assert.equal(mixer.gainOf(7), 0);
  });
});

test("the volume is a factor on every gain, and full only at one", async () => {
  mixer.setGain(0, 1);
  mixer.setGain(1, 0.4);
  await resume();
  mixer.setVolume(0.5);
  await clock.advance(300);
  close(loudness(0), 0.5);
  close(loudness(1), 0.2);
  close(mixer.gainOf(1), 0.2);
  mixer.setVolume(1);
  await clock.advance(300);
  close(loudness(0), 1);
  assert.equal(mixer._slots[0].element.muted, false);
});

test("new tracks are heard at the gains that stand, and the old ones no longer", async () => {
  mixer.setGain(0, 1);
  mixer.setGain(1, 0.3);
  await resume();
  const [old] = FakeAudioContext.made[0].sources;
  const track = new FakeTrack("audio");
  connection.slots[1].stream = new FakeStream([track]);
  onTracks();
  assert.equal(old.outputs.size, 0);
  assert.deepEqual(mixer._slots[1].element.srcObject.getTracks(), [track]);
  assert.equal(loudness(0), 1);
  close(loudness(1), 0.3);
});

test("a browser that refuses to play is said, and another click is tried", async () => {
  FakeAudio.refusesToPlay = true;
  const changes = [];
  mixer.on("change", () => changes.push(mixer.isSilent));
  await resume();
  await clock.advance(0);
  assert.equal(mixer.isSilent, true);
  assert.equal(changes.at(-1), true);
  FakeAudio.refusesToPlay = false;
  await resume();
  assert.equal(mixer.isSilent, false);
});

test("a context that may not start yet does not hold anybody up", async () => {
  FakeAudioContext.mayStart = false;
  const resumed = mixer.resume();
  await clock.advance(300);
  await resumed;
  assert.equal(mixer.isSilent, true);
});

test("the chosen speaker is used for what plays now and for what will", async () => {
  await resume();
  await mixer.setSpeaker("headset");
  const [context] = FakeAudioContext.made;
  assert.deepEqual(
    [context, ...mixer._slots.map(({ element }) => element)].map(({ sinkId }) => sinkId),
    ["headset", "headset", "headset"],
  );
  const later = new AudioMixer(connection, "headset");
  later.resume();
  await clock.advance(0);
  assert.equal(later._slots[0].element.sinkId, "headset");
  later.close();
});
