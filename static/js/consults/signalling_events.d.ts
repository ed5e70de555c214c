import type { RequestRefused } from "../shared/requests.js";
import type {
  Caption,
  ChatLine,
  ConnectionQuality,
  RoomState,
  TeachbackPoint,
} from "./room_state.d.ts";

/**
 * "seated", "refused", "lost" and "here" are the channel's own; the others are what the server
 * says.
 */
export interface SignallingEvents {
  seated: { state: RoomState; chat: ChatLine[]; partners: ChatLine[]; again: boolean };
  refused: { error: RequestRefused };
  lost: object;
  here: { version: number; chatCount: number; partnerCount: number };
  state: RoomState;
  "chat.line": ChatLine;
  "seat.taken": object;
  "seat.removed": object;
  "seat.sent_back": object;
  "seat.link": object;
  ended: object;
  "media.moved": object;
  speaking: { speaker: string | null; levels?: Record<string, number> };
  quality: ConnectionQuality;
  streams: Pick<ConnectionQuality, "step" | "paused">;
  signal: { seat: string; signal: string };
  teach: { points: TeachbackPoint[] };
  caption: Caption;
}
