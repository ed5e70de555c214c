import { MediaConnection } from "/js/consults/media/media_connection.js";

const query = new URLSearchParams(location.search);

async function signal(sdp, lines, connection) {
  const body = JSON.stringify({ room: query.get("room"), seat: query.get("seat"), connection, sdp, lines });
  const response = await fetch("/offer", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error);
  return answer.sdp;
}

window.states = [];
const iceServers = JSON.parse(query.get("iceServers") ?? "[]");
window.link = new MediaConnection({ signal, iceServers, relayOnly: iceServers.length > 0, slots: Number(query.get("slots") || 7), prefers: query.get("prefers") });
link.addEventListener("state", ({ detail }) => states.push({ ...detail, at: performance.now() }));

window.join = async () => {
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
  window.media = media;
  for (const { stream } of [...link.slots, link.stage]) {
    const video = document.createElement("video");
    Object.assign(video, { srcObject: stream, autoplay: true, playsInline: true });
    document.getElementById("people").append(video);
  }
  const begun = performance.now();
  await link.start({ mic: media.getAudioTracks()[0], camera: media.getVideoTracks()[0] });
  return performance.now() - begun;
};

/** Watches a slot's picture from now on; `freezes.longest` is the longest time between two frames, in ms. */
window.watchFreezes = (slot) => {
  const video = document.getElementById("people").children[slot];
  const watch = { longest: 0, last: performance.now(), frames: 0 };
  const seen = () => {
    const now = performance.now();
    watch.longest = Math.max(watch.longest, now - watch.last);
    watch.last = now;
    watch.frames += 1;
    video.requestVideoFrameCallback(seen);
  };
  video.requestVideoFrameCallback(seen);
  window.freezes = watch;
};

/** How far the picture of a slot is ahead of its sound, in ms, by the publisher's own clock. */
window.lipSync = async (slot) => {
  const { audio, video } = link._attempt.mids.slots[slot];
  const at = {};
  for (const entry of (await link._attempt.peer.getStats()).values()) {
    if (entry.type !== "inbound-rtp") continue;
    if (entry.mid === audio) at.audio = entry.estimatedPlayoutTimestamp;
    if (entry.mid === video) at.video = entry.estimatedPlayoutTimestamp;
  }
  return at.audio && at.video ? at.video - at.audio : null;
};

/** "relay", "host", … : what this browser sends from, once it has settled on a way. */
window.wayOut = async () => {
  for (let tries = 0; tries < 50; tries += 1) {
    const report = await link._attempt.peer.getStats();
    const chosen = [...report.values()].find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
    if (chosen) return report.get(chosen.localCandidateId).candidateType;
    await new Promise((soon) => setTimeout(soon, 100));
  }
  return null;
};

window.shareScreen = async () => {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 640, height: 360 });
  const brush = canvas.getContext("2d");
  setInterval(() => brush.fillRect(Math.random() * 600, Math.random() * 300, 30, 30), 50);
  await link.replace("screen", canvas.captureStream(10).getVideoTracks()[0]);
};
window.ready = true;
