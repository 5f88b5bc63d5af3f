// Where people's cursors are in an episode's notes. A region tells the others of those that it
// serves as one presence (crdt-sync's): it goes when the region goes. Within the region a cursor
// goes when it was not moved or renewed for a while: whoever closes a laptop says no goodbye.
//
// A cursor is an anchor, not a number: it stays where it is while others write before it.
import type { Anchor, Text } from "@compendium/crdt";
import type { Presence } from "@compendium/crdt-sync";
import type { Clock } from "@compendium/runtime";
import { isName } from "./presence-edits.ts";

/** How many people a region shows in an episode: their cursors fit into one presence. */
export const CURSORS_MAX = 100;
/** So many bytes they take at most. */
export const PRESENCE_BYTES_MAX = 32_768;

/** A cursor as it is read. */
export interface CursorView {
  person: string;
  region: string;
  /** In UTF-16 units of the notes as they are here. */
  at: number;
}

/** What cursors need. */
export interface CursorsParts {
  readonly region: string;
  readonly clock: Clock;
  /** How long one lives without being renewed. */
  readonly cursorMs: number;
  /** Tells the other regions; undefined: nobody is there. */
  tell(state: unknown): void;
}

interface Told {
  readonly region: string;
  readonly cursors: Readonly<Record<string, Anchor>>;
}

/** The cursors of one region in one episode. */
export class RegionCursors implements Disposable {
  readonly #parts: CursorsParts;
  // In the order in which they end.
  readonly #cursors = new Map<string, { readonly anchor: Anchor; readonly untilMs: number }>();
  #timer: Disposable | undefined;

  constructor(parts: CursorsParts) {
    this.#parts = parts;
  }

  /** How many there are. */
  get size(): number {
    return this.#cursors.size;
  }

  /** Puts a person's cursor there, for a while; false where there are too many. */
  put(person: string, anchor: Anchor): boolean {
    if (this.#cursors.size >= CURSORS_MAX && !this.#cursors.has(person)) return false;
    this.#cursors.delete(person);
    const untilMs = this.#parts.clock.now() + this.#parts.cursorMs;
    this.#cursors.set(person, { anchor, untilMs });
    this.#changed();
    return true;
  }

  /** Takes a person's cursor away. */
  remove(person: string): void {
    if (this.#cursors.delete(person)) this.#changed();
  }

  /** Forgets all of them, and tells nobody. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#cursors.clear();
  }

  #changed(): void {
    const { region, tell } = this.#parts;
    const cursors = Object.fromEntries([...this.#cursors].map(([who, it]) => [who, it.anchor]));
    tell(this.#cursors.size === 0 ? undefined : ({ region, cursors } satisfies Told));
    this.#arm();
  }

  // One timer, while there is a cursor.
  #arm(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const [next] = this.#cursors.values();
    if (next === undefined) return;
    this.#timer = this.#parts.clock.setTimer(next.untilMs, () => this.#expire());
  }

  #expire(): void {
    const nowMs = this.#parts.clock.now();
    for (const [person, { untilMs }] of this.#cursors) {
      if (untilMs <= nowMs) this.#cursors.delete(person);
    }
    this.#changed();
  }
}

/** All cursors, of all regions that are heard of. What a region tells is not trusted to be that. */
export function readCursors(presences: readonly Presence[], notes: Text): CursorView[] {
  const views: CursorView[] = [];
  for (const { state } of presences) {
    const { region, cursors } = (state ?? {}) as Partial<Told>;
    if (!isName(region) || typeof cursors !== "object" || cursors === null) continue;
    for (const [person, anchor] of Object.entries(cursors)) {
      if (!isName(person) || !isAnchor(anchor)) continue;
      // Undefined: what it stands at has not arrived yet.
      const at = notes.positionOf(anchor);
      if (at !== undefined) views.push({ person, region, at });
    }
  }
  return views.sort((a, b) => (a.person + a.region < b.person + b.region ? -1 : 1));
}

function isAnchor(value: unknown): value is Anchor {
  const { end, agent, seq, side } = (value ?? {}) as Record<string, unknown>;
  if (end === "start" || end === "end") return true;
  const isUnit = typeof agent === "string" && Number.isSafeInteger(seq) && (seq as number) >= 0;
  return isUnit && (side === "before" || side === "after");
}
