import { MediaLink } from "/link.js";

const query = new URLSearchParams(location.search);

async function signal(sdp, lines, connection) {
  const body = JSON.stringify({ room: query.get("room"), seat: query.get("seat"), connection, sdp, lines });
  const response = await fetch("/offer", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error);
  return answer.sdp;
}

window.states = [];
window.link = new MediaLink({ signal, slots: Number(query.get("slots") || 7) });
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

window.shareScreen = async () => {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 640, height: 360 });
  const brush = canvas.getContext("2d");
  setInterval(() => brush.fillRect(Math.random() * 600, Math.random() * 300, 30, 30), 50);
  await link.replace("screen", canvas.captureStream(10).getVideoTracks()[0]);
};
window.ready = true;
