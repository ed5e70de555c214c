// What the server tells a page about its consult: app/consults/room/views.py.

export type Role = "patient" | "specialist" | "interpreter" | "coordinator" | "guest";
/** away: the connection of somebody inside was lost a moment ago. */
export type Place = "absent" | "waiting" | "in" | "away";
export type InterpretingMode = "consecutive" | "simultaneous";
/** A BCP 47 tag. */
export type LanguageTag = string;

export interface Seat {
  id: string;
  name: string;
  title: string | null;
  role: Role;
  /** What a guest is: relative, doctor, … */
  kind: string | null;
  speaks: LanguageTag;
  listens: LanguageTag;
  /** The languages of an interpreter. */
  pair: [LanguageTag, LanguageTag] | null;
  /** The language that an interpreter speaks into now. */
  liveOn: LanguageTag | null;
  handingOver: boolean;
  joinedAt: string | null;
  lost: boolean;
  place: Place;
  admitted: boolean;
  knocking: boolean;
  mic: boolean;
  camera: boolean;
  sharing: boolean;
  mine: boolean;
  /** Where the media node sends this seat's sound and picture; null for one's own. */
  slot: number | null;
  gain: number;
  /** How this seat is heard: the original, ducked beneath an interpreter, or the interpreter. */
  sound: string;
  canBeShownOut: boolean;
}

export interface OwnSeat {
  seat: string;
  place: Place;
  admitted: boolean;
  entered: boolean;
  removed: boolean;
  originalGain: number;
  listens: LanguageTag;
  pair: [LanguageTag, LanguageTag] | null;
  liveOn: LanguageTag | null;
  handingOver: boolean;
  canSetMode: boolean;
  canAdmit: boolean;
  canEnd: boolean;
}

export interface RecordingState {
  state: "none" | "asked" | "running" | "paused" | "stopped";
  canAsk: boolean;
  /** Who asked. */
  by: string | null;
  agreed: boolean;
  waitingFor: string[];
  mayPurge: boolean;
}

export interface RoomState {
  version: number;
  state: string;
  over: boolean;
  mode: InterpretingMode;
  startedAt: string | null;
  pausedAt: string | null;
  pausedSeconds: number;
  chatCount: number;
  partnerCount: number;
  languages: LanguageTag[];
  recording: RecordingState;
  interpreterSought: boolean;
  you: OwnSeat;
  seats: Seat[];
}

export interface ChatLine {
  channel: "everyone" | "interpreters";
  number: number;
  clientId: string;
  /** The seat that wrote it. */
  seat: string;
  name: string;
  text: string;
  at: string;
}

export interface TeachbackPoint {
  id: string;
  number: number;
  point: string;
  said: string | null;
  verdict: "confirmed" | "corrected" | null;
  correction: string | null;
}

export interface Caption {
  number: number;
  clientId: string;
  language: LanguageTag;
  text: string;
  at: string;
}

/** What the media node holds back so that the rest comes through. */
export interface PausedStream {
  source: string;
  kind: "audio" | "video" | "screen";
}

export interface ConnectionQuality {
  seat: string;
  loss_down: number;
  loss_up: number;
  rtt_ms: number;
  video_paused: boolean;
  step: string;
  paused: PausedStream[] | null;
}

/**
 * Rendered into the page as JSON: the consult page and the connection check have different ones.
 */
export interface PageFacts {
  ticket: string;
  /** One's own seat. */
  seat: string;
  /** Where to go when the consult has ended. */
  after: string;
  iceServers: RTCIceServer[];
  opensAt: string;
  startsAt: string;
  booking: string;
}
