// The connection with the media node: its states, its retries, its signs of loss.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FakeClock } from "../support/clock.js";
import { openPage } from "../support/page.js";
import { FakePeerConnection, FakeTrack, installWebRtc } from "../support/webrtc.js";

openPage();
installWebRtc();
const { MediaConnection, retryDelayMs } = await import(
  "../../../static/js/consults/media/media_connection.js"
);

let clock;
let connection;
let events;
let offers;
let signal;

beforeEach(() => {
  installWebRtc();
  clock = new FakeClock();
  events = [];
  offers = [];
  signal = async () => "answer";
  connection = new MediaConnection({
    signal: (sdp, mids, id) => {
      offers.push({ sdp, mids, id, at: clock.elapsed });
      return signal();
    },
    slots: 2,
    prefers: () => "small",
  });
  connection.on("state", ({ state, reason }) =>
    events.push(reason ? `${state}: ${reason}` : state),
  );
});

afterEach(() => {
  connection.close();
  clock.restore();
});

async function connect(tracks) {
  const started = connection.start(tracks);
  await clock.advance(0);
  FakePeerConnection.last.become("connected");
  await started;
}

/** Packets come for so long: some in each quarter of a second. */
async function receive(ms) {
  for (let passed = 0; passed < ms; passed += 250) {
    FakePeerConnection.last.bytesReceived += 1000;
    await clock.advance(250);
  }
}

describe("connecting", () => {
  test("offers, takes the answer and is connected when the transport is", async () => {
    await connect();
    const [{ sdp, mids, id }] = offers;
    assert.equal(sdp, "offer 0");
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.equal(connection.connectionId, id);
    assert.deepEqual(mids, {
      mic: "0",
      camera: "1",
      screen: "2",
      slots: [
        { audio: "3", video: "4" },
        { audio: "5", video: "6" },
      ],
      stage: "7",
      prefers: "small",
    });
    assert.equal(FakePeerConnection.last.remoteDescription.sdp, "answer");
    assert.deepEqual(events, ["connecting", "connected"]);
  });

  test("sends the camera in a small and a large layer", async () => {
    await connect({ camera: new FakeTrack("video", { height: 720 }) });
    const { sendEncodings } = FakePeerConnection.last.transceivers[1].init;
    assert.deepEqual(
      sendEncodings.map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy]),
      [
        ["s", 4],
        ["l", 1],
      ],
    );
    assert.ok(sendEncodings[0].maxBitrate < sendEncodings[1].maxBitrate);
  });

  test("offers to receive no codec that the node does not forward", async () => {
    await connect();
    const received = FakePeerConnection.last.transceivers.slice(3);
    const codecs = new Set(
      received.flatMap(({ codecs }) => codecs.map(({ mimeType }) => mimeType)),
    );
    assert.deepEqual([...codecs].sort(), ["audio/opus", "video/H264", "video/VP8", "video/rtx"]);
  });

  test("tries again when there is no transport within eight seconds", async () => {
    connection.start().catch(() => {});
    await clock.advance(8000);
    assert.deepEqual(events, ["connecting"]);
    await clock.advance(600);
    assert.deepEqual(events, ["connecting", "lost: failed", "connecting"]);
  });

  test("uses nothing but the TURN server when asked to", () => {
    const relayed = new MediaConnection({
      signal,
      relayOnly: true,
      iceServers: [{ urls: "turn:x" }],
    });
    relayed.start().catch(() => {});
    const { iceTransportPolicy, iceServers } = FakePeerConnection.last.configuration;
    assert.equal(iceTransportPolicy, "relay");
    assert.deepEqual(iceServers, [{ urls: "turn:x" }]);
    relayed.close();
  });
});

describe("a lost connection", () => {
  test("is noticed by silence and made again for the same tracks", async () => {
    const mic = new FakeTrack("audio");
    await connect({ mic });
    await receive(3000);
    const [lost] = FakePeerConnection.made;
    await clock.advance(2000);
    assert.deepEqual(events.slice(2), ["lost: no-packets", "connecting"]);
    assert.equal(lost.connectionState, "closed");
    assert.equal(FakePeerConnection.last.transceivers[0].sender.track, mic);
    assert.notEqual(offers[0].id, offers[1].id);
  });

  test("is not assumed while packets come", async () => {
    await connect();
    await receive(60_000);
    assert.deepEqual(events, ["connecting", "connected"]);
  });

  test("is noticed at once when the transport fails", async () => {
    await connect();
    FakePeerConnection.last.become("failed");
    assert.equal(events.at(-1), "lost: failed");
  });

  test("is noticed within about a second once something looks wrong", async () => {
    await connect();
    await receive(3000);
    connection.check();
    await clock.advance(1500);
    assert.deepEqual(events.slice(2, 3), ["lost: no-packets"]);
  });

  test("is made anew at once when the browser is online again", async () => {
    await connect();
    window.dispatchEvent(new Event("online"));
    assert.deepEqual(events.slice(2), ["lost: online"]);
    await clock.advance(200);
    assert.equal(connection.state, "connecting");
  });

  test("is noticed as soon as a tab that slept wakes", async () => {
    await connect();
    await receive(3000);
    clock.elapsed += 4000; // no timer ran meanwhile
    await clock.advance(500);
    assert.equal(events.at(2), "lost: no-packets");
  });

  test("what the old peer connection says later is not heard", async () => {
    await connect();
    const [old] = FakePeerConnection.made;
    connection.rejoin("moved");
    await clock.advance(200);
    FakePeerConnection.last.become("connected");
    old.become("failed");
    assert.equal(connection.state, "connected");
  });

  test("tells the reason before it is made again, and that the tracks are new", async () => {
    await connect();
    const told = [];
    connection.on("lost", ({ reason }) => told.push(reason));
    connection.on("tracks", () => told.push("tracks"));
    const before = connection.slots[0].stream.getTracks();
    connection.rejoin("moved");
    await clock.advance(200);
    assert.deepEqual(told, ["moved", "tracks"]);
    assert.equal(connection.slots[0].stream.getTracks().length, 2);
    assert.notEqual(connection.slots[0].stream.getTracks()[0], before[0]);
  });
});

describe("retries", () => {
  test("wait longer and longer, then five seconds each, spread by 30 %", () => {
    const middle = (failures) => retryDelayMs(failures, () => 0.5);
    assert.deepEqual([0, 1, 2, 3, 4, 14].map(middle), [100, 400, 1000, 2000, 2000, 2000]);
    assert.deepEqual([15, 99].map(middle), [5000, 5000]);
    assert.ok(Math.abs(retryDelayMs(2, () => 0) - 700) < 1);
    assert.ok(Math.abs(retryDelayMs(2, () => 1) - 1300) < 1);
  });

  test("back off while signalling fails, and begin anew after a success", async () => {
    signal = async () => {
      throw new Error("no answer");
    };
    connection.start().catch(() => {});
    await clock.advance(20_000);
    const waits = offers.slice(1).map(({ at }, n) => at - offers[n].at);
    assert.ok(waits[0] <= 130 && waits[1] >= 280 && waits[2] >= 700, waits.join());
    assert.ok(
      waits.slice(3).every((wait) => wait >= 1400 && wait <= 2600),
      waits.join(),
    );
    signal = async () => "answer";
    await clock.advance(2600);
    FakePeerConnection.last.become("connected");
    FakePeerConnection.last.become("failed");
    const before = offers.length;
    await clock.advance(131);
    assert.equal(offers.length, before + 1);
  });

  test("do not wait once the web is reached again", async () => {
    signal = async () => {
      throw new Error("no answer");
    };
    connection.start().catch(() => {});
    await clock.advance(5000);
    assert.equal(connection.state, "lost");
    const before = offers.length;
    connection.reconnectNow();
    assert.equal(connection.state, "connecting");
    await clock.advance(0);
    assert.equal(offers.length, before + 1);
  });

  test("end when signalling refuses for good", async () => {
    signal = async () => {
      throw Object.assign(new Error("The consultation is over."), { final: true });
    };
    const finals = [];
    connection.on("final", ({ error }) => finals.push(error.message));
    await assert.rejects(Promise.all([connection.start(), clock.advance(0)]), /is over/);
    await clock.advance(60_000);
    assert.deepEqual(finals, ["The consultation is over."]);
    assert.equal(offers.length, 1);
    assert.equal(connection.state, "closed");
  });
});

describe("closing", () => {
  test("is for good: nothing makes it come back", async () => {
    await connect();
    connection.close();
    window.dispatchEvent(new Event("online"));
    connection.rejoin("late");
    connection.reconnectNow();
    await clock.advance(60_000);
    assert.equal(events.at(-1), "closed");
    assert.equal(FakePeerConnection.made.length, 1);
  });

  test("leaves no listener behind", async () => {
    const listening = new Set();
    const { addEventListener, removeEventListener } = window;
    window.addEventListener = (name) => listening.add(name);
    window.removeEventListener = (name) => listening.delete(name);
    try {
      connection.start().catch(() => {});
      assert.deepEqual([...listening].sort(), ["offline", "online", "pageshow"]);
      connection.close();
      assert.equal(listening.size, 0);
    } finally {
      Object.assign(window, { addEventListener, removeEventListener });
    }
  });

  test("in the middle of an offer ignores the answer", async () => {
    let answer;
    signal = () => new Promise((resolve) => (answer = resolve));
    connection.start().catch(() => {});
    await clock.advance(0);
    connection.close();
    answer("late");
    await clock.advance(1000);
    assert.equal(FakePeerConnection.last.remoteDescription, null);
    assert.deepEqual(events, ["connecting", "closed"]);
  });
});

test("a replaced track is sent without a new offer, and again after a reconnection", async () => {
  await connect();
  const camera = new FakeTrack("video");
  await connection.replace("camera", camera);
  assert.equal(FakePeerConnection.last.transceivers[1].sender.track, camera);
  assert.equal(offers.length, 1);
  connection.rejoin("moved");
  await clock.advance(200);
  assert.equal(FakePeerConnection.last.transceivers[1].sender.track, camera);
});
