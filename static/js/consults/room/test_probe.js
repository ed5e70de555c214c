// What tests and the office's quality check ask a page: what comes in, how much, how loud.
//
// window.consilium = { mediaConnection, mixer, devices, signalling, state, heard(), stats() }
//
// heard() => { NAME: { hertz, loudness, gain } } of each other person: the tone that comes in, and
//   how loud it is played
//
// stats() => { state, uplink, stage: { frames }, rttMs, seats: { ROLE: { seat, slot, place, frames,
//   width, height, sound, energy, level, audioPackets, gain } } }

/** @typedef {import("./consult_room.js").ConsultRoom} ConsultRoom */

/** @param {ConsultRoom} room */
export function exposeForTests(room) {
  Object.defineProperty(window, "consilium", {
    value: {
      get mediaConnection() {
        return room.call.connection;
      },
      get mixer() {
        return room.call.mixer;
      },
      get devices() {
        return room.devices;
      },
      get signalling() {
        return room.signalling;
      },
      get state() {
        return room.state;
      },
      heard: () => heard(room),
      stats: () => stats(room),
    },
  });
}

/** @param {ConsultRoom} room */
function heard({ mixer, state }) {
  const slots = mixer.heard();
  return Object.fromEntries(
    (state?.seats ?? [])
      .filter(({ place }) => place === "in")
      .flatMap(({ name, slot }) => (slot == null ? [] : [[name, slots[slot]]])),
  );
}

/** @param {ConsultRoom} room */
async function stats({ call, state }) {
  const measured = await call.connection.stats();
  const stage = "video" in measured.stage ? measured.stage.video : null;
  return {
    state: measured.state,
    uplink: measured.uplink,
    stage: { frames: stage?.frames ?? 0 },
    rttMs: measured.rttMs,
    seats: Object.fromEntries(
      (state?.seats ?? []).flatMap((seat) => {
        const received = seat.slot == null ? null : measured.slots[seat.slot];
        if (!received || seat.slot == null) return [];
        const { audio, video } = received;
        const shown = {
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
        return [[seat.role, shown]];
      }),
    ),
  };
}
