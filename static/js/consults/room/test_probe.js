// What tests and the office's second look ask a page: what comes in, how much, how loud.
//
// window.consilium = { link, mixer, devices, state, heard(), stats() }
// heard() => { NAME: { hertz, loudness, gain } } of each other person: the tone that comes in, and how loud it is played
// stats() => {
//   state, uplink, stage: { frames }, seats: { ROLE: { seat, slot, frames, energy, level, audioPackets, width, height, gain } }
// }

export function exposeForTests(room) {
  window.consilium = {
    get link() {
      return room.call.link;
    },
    get mixer() {
      return room.call.mixer;
    },
    get devices() {
      return room.devices;
    },
    get line() {
      return room.line;
    },
    get state() {
      return room.state;
    },
    heard: () => heard(room),
    stats: () => stats(room),
  };
}

function heard({ mixer, state }) {
  const slots = mixer.heard();
  const others = (state?.seats ?? []).filter((seat) => seat.slot != null && seat.place === "in");
  return Object.fromEntries(others.map((seat) => [seat.name, slots[seat.slot]]));
}

async function stats({ call, state }) {
  const stats = await call.link.stats();
  const seats = {};
  for (const seat of state?.seats ?? []) {
    const slot = seat.slot == null ? null : stats.slots[seat.slot];
    if (!slot) continue;
    const { audio, video } = slot;
    seats[seat.role] = {
      seat: seat.id,
      slot: seat.slot,
      place: seat.place,
      frames: video.frames,
      width: video.width,
      height: video.height,
      sound: seat.sound,
      energy: audio.energy,
      level: audio.level,
      audioPackets: audio.packets,
      gain: call.mixer.gainOf(seat.slot),
    };
  }
  return {
    state: stats.state,
    uplink: stats.uplink,
    stage: { frames: stats.stage.video?.frames ?? 0 },
    rttMs: stats.rttMs,
    seats,
  };
}
