// The pictures: one tile per person in the room, one for oneself, one for a shared screen. A tile
// is never moved in the document (a moved video pauses); which one is large is a class, and the
// style sheet places it.
import { copyTemplate, elementById, findElement } from "../../shared/dom.js";
import { languageName, pageText } from "../page_text.js";

const THUMBNAIL_PX = 480; // device pixels: up to here the small layer of a camera will do
const MOST_LARGE = 4; // so many large pictures at most, whatever the screen
// Who speaks becomes large only after this long, so that a cough changes nothing.
const SPEAKER_HOLD_MS = 1500;
const AUDIBLE_LEVEL = 60; // RFC 6464: -60 dBov; 127 is silence
const SILENT_LEVEL = 127;

/** @typedef {import("../room_state.d.ts").Seat} Seat */
/** @typedef {{ stream: MediaStream, camera: MediaStreamTrack | null, micOn: boolean }} OwnMedia */

export class VideoTiles {
  /** @type {Map<string, HTMLElement>} by seat, or "stage" for the shared screen */
  _tiles = new Map();
  /** @type {string | null} */
  _pinned = null;
  /** @type {string | null} who has spoken for long enough to be large */
  _speaker = null;
  /** @type {string | null} who speaks now */
  _candidate = null;
  _candidateSince = 0;
  /** @type {string | null} */
  _lastLarge = null;
  /** @type {Seat[]} */
  _seats = [];
  /** @type {OwnMedia | null} */
  _own = null;
  /** @type {Set<string>} tiles whose stream the node holds back */
  _held = new Set();
  /** @type {number | undefined} */
  _speakerTimer;
  onArranged = () => {};

  /**
   * @param {HTMLElement} box
   * @param {Pick<import("../media/media_connection.js").MediaConnection, "slots" | "stage" | "on">}
   *   connection
   */
  constructor(box, connection) {
    this._box = box;
    this._connection = connection;
    this._template = elementById("tile-template", HTMLTemplateElement);
    connection.on("tracks", () => this._attachStreams());
  }

  /**
   * @param {Seat[]} seats
   * @param {OwnMedia} own
   */
  show(seats, own) {
    this._seats = seats;
    this._own = own;
    const inside = seats.filter(({ mine, place }) => mine || place === "in" || place === "away");
    const wanted = new Set(inside.map((seat) => seat.id));
    const sharer = inside.find((seat) => seat.sharing && !seat.mine);
    if (sharer) wanted.add("stage");
    for (const [id, tile] of this._tiles) {
      if (wanted.has(id)) continue;
      tile.remove();
      this._tiles.delete(id);
      if (this._pinned === id) this._pinned = null;
    }
    for (const seat of inside) this._showSeat(seat, own);
    if (sharer) this._showStage(sharer);
    this._attachStreams();
    this._arrange();
  }

  /**
   * @param {{ speaker: string | null, levels?: Record<string, number> }} speaking as the node tells
   *   it
   */
  showSpeaking({ speaker, levels }) {
    const now = performance.now();
    for (const [id, tile] of this._tiles) {
      const isAudible = (levels?.[id] ?? SILENT_LEVEL) < AUDIBLE_LEVEL;
      tile.classList.toggle("is-speaking", id === speaker && isAudible);
    }
    if (speaker !== this._candidate) {
      this._candidate = speaker;
      this._candidateSince = now;
    }
    if (!speaker || speaker === this._speaker) return;
    if (now - this._candidateSince > SPEAKER_HOLD_MS) {
      this._setSpeaker(speaker);
      return;
    }
    clearTimeout(this._speakerTimer);
    this._speakerTimer = setTimeout(() => {
      if (this._candidate === speaker) this._setSpeaker(speaker);
    }, SPEAKER_HOLD_MS);
  }

  /**
   * What the node holds back on a narrow connection: no frozen picture stands in its place.
   * @param {import("../room_state.d.ts").PausedStream[] | null} [paused]
   */
  hold(paused) {
    const pictures = (paused ?? []).filter(({ kind }) => kind !== "audio");
    this._held = new Set(
      pictures.map(({ source, kind }) => (kind === "screen" ? "stage" : source)),
    );
    for (const [id, tile] of this._tiles) tile.classList.toggle("is-held", this._held.has(id));
  }

  /** Whose pictures are larger here than a thumbnail, largest first. */
  largeSeats() {
    return this._seats
      .filter((seat) => !seat.mine)
      .map(({ id }) => ({
        id,
        width: (this._tiles.get(id)?.clientWidth ?? 0) * window.devicePixelRatio,
      }))
      .filter(({ width }) => width > THUMBNAIL_PX)
      .sort((one, other) => other.width - one.width)
      .slice(0, MOST_LARGE)
      .map(({ id }) => id);
  }

  /** @param {string} view "speaker" | "grid" */
  setView(view) {
    this._box.dataset.view = view;
    this._arrange();
  }

  /** The seat that speaks now. */
  get speaker() {
    return this._candidate;
  }

  /** The largest picture now, for picture in picture. */
  get largest() {
    const video =
      this._box.querySelector(".tile.is-large video") ?? this._box.querySelector(".tile video");
    return video instanceof HTMLVideoElement ? video : null;
  }

  /** @param {string} speaker */
  _setSpeaker(speaker) {
    this._speaker = speaker;
    this._arrange();
  }

  /**
   * @param {Seat} seat
   * @param {OwnMedia} own
   */
  _showSeat(seat, own) {
    const tile = this._tiles.get(seat.id) ?? this._addTile(seat.id);
    tile.dataset.seat = seat.id;
    tile.dataset.role = seat.role;
    tile.dataset.testid = seat.mine ? "tile-own" : `tile-${seat.role}`;
    tile.classList.toggle("is-own", seat.mine);
    tile.classList.toggle("is-away", seat.place === "away");
    tile.classList.toggle("is-interpreter", Boolean(seat.pair));
    tile.classList.toggle("is-live", Boolean(seat.liveOn));
    tile.classList.toggle("is-held", this._held.has(seat.id));
    tile.classList.toggle("no-picture", !(seat.mine ? own.camera : seat.camera));
    findElement(tile, ".tile-name").textContent = seat.mine ? pageText("you") : seat.name;
    const tag = findElement(tile, ".tile-tag");
    tag.textContent = tagOf(seat);
    tag.title = seat.pair ? pageText("interprets", pairNames(seat.pair)) : "";
    findElement(tile, ".tile-mic").hidden = seat.mine ? own.micOn : seat.mic;
    findElement(tile, ".tile-face span").textContent = initials(seat.name);
    const label = seat.mine ? pageText("youNamed", { name: seat.name }) : seat.name;
    tile.setAttribute("aria-label", label);
    tile.dataset.away = seat.place === "away" ? pageText("place_away") : "";
  }

  /** @param {Seat} sharer */
  _showStage(sharer) {
    const tile = this._tiles.get("stage") ?? this._addTile("stage");
    const name = pageText("screenOf", { name: sharer.name });
    tile.dataset.testid = "tile-stage";
    tile.classList.add("is-stage");
    findElement(tile, ".tile-name").textContent = name;
    tile.setAttribute("aria-label", name);
  }

  /** @param {string} id */
  _addTile(id) {
    const tile = copyTemplate(this._template);
    findElement(tile, "[data-pin]").addEventListener("click", () => {
      this._pinned = this._pinned === id ? null : id;
      this._arrange();
    });
    this._tiles.set(id, tile);
    this._box.append(tile);
    return tile;
  }

  _attachStreams() {
    for (const [id, tile] of this._tiles) {
      const video = findElement(tile, "video", HTMLVideoElement);
      const stream = this._streamOf(id);
      if (video.srcObject !== stream) video.srcObject = stream;
      if (stream && video.paused) video.play().catch(() => {});
    }
  }

  /** @param {string} id */
  _streamOf(id) {
    if (id === "stage") return this._connection.stage.stream;
    const seat = this._seats.find((other) => other.id === id);
    if (!seat) return null;
    if (seat.mine) return this._own?.stream ?? null;
    return seat.slot == null ? null : (this._connection.slots[seat.slot]?.stream ?? null);
  }

  _arrange() {
    const large = this._large();
    for (const [id, tile] of this._tiles) {
      tile.classList.toggle("is-large", id === large);
      findElement(tile, "[data-pin]").setAttribute("aria-pressed", String(id === this._pinned));
    }
    this._box.dataset.count = String(this._tiles.size);
    this._box.classList.toggle("has-stage", this._tiles.has("stage"));
    this.onArranged();
  }

  /**
   * Which tile is large: the pinned one, the shared screen, who speaks (interpreters apart), who
   * spoke last.
   */
  _large() {
    /** @param {string | null} id */
    const has = (id) => id !== null && this._tiles.has(id);
    if (has(this._pinned)) return this._pinned;
    if (has("stage")) return "stage";
    const others = this._seats.filter((seat) => !seat.mine && has(seat.id));
    const speaking = others.find((seat) => seat.id === this._speaker && !seat.pair);
    if (speaking) this._lastLarge = speaking.id;
    if (has(this._lastLarge)) return this._lastLarge;
    // Until somebody speaks: the person that one has come to meet.
    const order = ["specialist", "patient", "guest", "coordinator", "interpreter"];
    others.sort((one, other) => order.indexOf(one.role) - order.indexOf(other.role));
    return others[0]?.id ?? this._seats.find((seat) => seat.mine)?.id;
  }
}

/** @param {[string, string]} pair of language tags */
export function pairNames(pair) {
  return { one: languageName(pair[0]), other: languageName(pair[1]) };
}

/** @param {Pick<Seat, "liveOn" | "pair" | "speaks">} seat */
function tagOf({ liveOn, pair, speaks }) {
  if (liveOn) return pageText("speaksInto", { language: languageName(liveOn) });
  return pair ? `${languageName(pair[0])} ⇄ ${languageName(pair[1])}` : languageName(speaks);
}

/**
 * @param {string} name
 * @returns {string} the first letters of the first and the last name, without a doctor's title
 */
export function initials(name) {
  const words = name
    .replace(/^(dr|dra|prof)\.?\s+/i, "")
    .split(/\s+/)
    .filter(Boolean);
  const [first = ""] = words;
  const last = words.length > 1 ? (words.at(-1) ?? "") : "";
  return [first, last]
    .map((word) => Array.from(word)[0] ?? "")
    .join("")
    .toUpperCase();
}
