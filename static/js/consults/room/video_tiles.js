// The pictures: one tile per person in the room, one for oneself, one for a shared screen. A tile is never moved in the
// document (a moved video pauses); which one is large is a class, and the style sheet places it.
import { languageName, pageText } from "../page_text.js";

const THUMBNAIL = 480; // device pixels: up to here the small picture of a camera will do
const MOST_LARGE = 4; // so many large pictures at most, whatever the screen
const HOLD_MS = 1500; // whoever speaks becomes large only after this long, so that a cough changes nothing

export class VideoTiles {
  constructor(box, link) {
    this._box = box;
    this._link = link;
    this._template = document.getElementById("tile-template");
    this._tiles = new Map();
    this._pinned = null;
    this._speaker = null;
    this._since = 0;
    this._seats = [];
    this._held = new Set();
    this.view = document.getElementById("tiles").dataset.view;
    this.onArranged = () => {};
    link.addEventListener("tracks", () => this._attach());
  }

  /** @param own {devices} the preview of oneself */
  show(seats, own) {
    this._seats = seats;
    this._own = own;
    const inside = seats.filter(
      (seat) => seat.mine || seat.place === "in" || seat.place === "away",
    );
    const wanted = new Set(inside.map((seat) => seat.id));
    const sharer = inside.find((seat) => seat.sharing && !seat.mine);
    if (sharer) wanted.add("stage");
    for (const [id, tile] of this._tiles) {
      if (wanted.has(id)) continue;
      tile.remove();
      this._tiles.delete(id);
      if (this._pinned === id) this._pinned = null;
    }
    for (const seat of inside) this._seat(seat);
    if (sharer) this._stage(sharer);
    this._attach();
    this._arrange();
  }

  spoke({ speaker, levels }) {
    const now = performance.now();
    for (const [id, tile] of this._tiles)
      tile.classList.toggle("is-speaking", id === speaker && (levels?.[id] ?? 127) < 60);
    if (speaker !== this._candidate) {
      this._candidate = speaker;
      this._since = now;
    }
    if (speaker && speaker !== this._speaker && now - this._since > HOLD_MS) {
      this._speaker = speaker;
      this._arrange();
    } else if (speaker && speaker !== this._speaker) {
      clearTimeout(this._later);
      this._later = setTimeout(() => {
        if (this._candidate !== speaker) return;
        this._speaker = speaker;
        this._arrange();
      }, HOLD_MS);
    }
  }

  /** What a narrow line does not bring now: no frozen picture stands in its place. */
  hold(paused = []) {
    this._held = new Set(
      (paused ?? [])
        .filter(({ kind }) => kind !== "audio")
        .map(({ source, kind }) => (kind === "screen" ? "stage" : source)),
    );
    for (const [id, tile] of this._tiles) tile.classList.toggle("is-held", this._held.has(id));
  }

  /** Whose pictures are larger here than a thumbnail, largest first. */
  shownLarge() {
    const widths = this._seats
      .filter((seat) => !seat.mine && this._tiles.has(seat.id))
      .map((seat) => ({
        id: seat.id,
        width: this._tiles.get(seat.id).clientWidth * window.devicePixelRatio,
      }));
    return widths
      .filter(({ width }) => width > THUMBNAIL)
      .sort((one, other) => other.width - one.width)
      .slice(0, MOST_LARGE)
      .map(({ id }) => id);
  }

  setView(view) {
    this.view = view;
    this._box.dataset.view = view;
    this._arrange();
  }

  /** The seat that speaks now. */
  get speaker() {
    return this._candidate;
  }

  /** The largest picture now, for picture in picture. */
  get largest() {
    return (
      this._box.querySelector(".tile.is-large video") ?? this._box.querySelector(".tile video")
    );
  }

  _seat(seat) {
    const tile = this._tiles.get(seat.id) ?? this._make(seat.id);
    tile.dataset.seat = seat.id;
    tile.dataset.role = seat.role;
    tile.dataset.testid = seat.mine ? "tile-own" : `tile-${seat.role}`;
    tile.classList.toggle("is-own", seat.mine);
    tile.classList.toggle("is-away", seat.place === "away");
    tile.classList.toggle("is-interpreter", Boolean(seat.pair));
    tile.classList.toggle("is-live", Boolean(seat.liveOn));
    tile.classList.toggle("is-held", this._held.has(seat.id));
    const camera = seat.mine ? Boolean(this._own.camera) : seat.camera;
    tile.classList.toggle("no-picture", !camera);
    tile.querySelector(".tile-name").textContent = seat.mine ? pageText("you") : seat.name;
    tile.querySelector(".tile-tag").textContent = tagOf(seat);
    tile.querySelector(".tile-tag").title = seat.pair
      ? pageText("interprets", pairNames(seat))
      : "";
    tile.querySelector(".tile-mic").hidden = seat.mine ? this._own.micOn : seat.mic;
    tile.querySelector(".tile-face span").textContent = initials(seat.name);
    tile.setAttribute(
      "aria-label",
      seat.mine ? pageText("youNamed", { name: seat.name }) : seat.name,
    );
    tile.dataset.away = seat.place === "away" ? pageText("place_away") : "";
  }

  _stage(seat) {
    const tile = this._tiles.get("stage") ?? this._make("stage");
    tile.dataset.testid = "tile-stage";
    tile.classList.add("is-stage");
    tile.querySelector(".tile-name").textContent = pageText("screenOf", { name: seat.name });
    tile.setAttribute("aria-label", pageText("screenOf", { name: seat.name }));
  }

  _make(id) {
    const tile = this._template.content.firstElementChild.cloneNode(true);
    tile.querySelector("[data-pin]").addEventListener("click", () => {
      this._pinned = this._pinned === id ? null : id;
      this._arrange();
    });
    this._tiles.set(id, tile);
    this._box.append(tile);
    return tile;
  }

  _attach() {
    for (const [id, tile] of this._tiles) {
      const video = tile.querySelector("video");
      const stream = this._streamOf(id);
      if (video.srcObject !== stream) video.srcObject = stream;
      if (stream && video.paused) video.play().catch(() => {});
    }
  }

  _streamOf(id) {
    if (id === "stage") return this._link.stage.stream;
    const seat = this._seats.find((one) => one.id === id);
    if (!seat) return null;
    return seat.mine ? this._own.stream : (this._link.slots[seat.slot]?.stream ?? null);
  }

  _arrange() {
    const large = this._large();
    for (const [id, tile] of this._tiles) {
      tile.classList.toggle("is-large", id === large);
      tile.querySelector("[data-pin]").setAttribute("aria-pressed", String(id === this._pinned));
    }
    this._box.dataset.count = this._tiles.size;
    this._box.classList.toggle("has-stage", this._tiles.has("stage"));
    this.onArranged();
  }

  _large() {
    const has = (id) => id && this._tiles.has(id);
    if (has(this._pinned)) return this._pinned;
    if (has("stage")) return "stage";
    const others = this._seats.filter((seat) => !seat.mine && has(seat.id));
    const speaking = others.find((seat) => seat.id === this._speaker && !seat.pair);
    if (speaking) return (this._last = speaking.id);
    if (has(this._last)) return this._last;
    // Until somebody speaks: whom one has come to meet.
    const order = ["specialist", "patient", "guest", "coordinator", "interpreter"];
    others.sort((one, other) => order.indexOf(one.role) - order.indexOf(other.role));
    return others[0]?.id ?? this._seats.find((seat) => seat.mine)?.id;
  }
}

export function pairNames(seat) {
  return { one: languageName(seat.pair[0]), other: languageName(seat.pair[1]) };
}

export function tagOf(seat) {
  if (seat.liveOn) return pageText("speaksInto", { language: languageName(seat.liveOn) });
  return seat.pair
    ? `${languageName(seat.pair[0])} ⇄ ${languageName(seat.pair[1])}`
    : languageName(seat.speaks);
}

export function initials(name) {
  const words = name
    .replace(/^(dr|dra|prof)\.?\s+/i, "")
    .split(/\s+/)
    .filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : ""]
    .map((word) => Array.from(word ?? "")[0] ?? "")
    .join("")
    .toUpperCase();
}
