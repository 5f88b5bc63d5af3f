// Who is there, and where their cursors are: state that is worth nothing when its owner is gone, so
// that it is neither merged nor kept. Each node writes its own entry, under its session, with a
// counter that only it counts up; the higher counter wins, and nobody's clock is compared with
// anybody else's. An entry dies when it has not been renewed for a while by the clock of whoever
// looks at it, when its owner says goodbye, and when the link goes over which it came.
import type { Limits } from "../wire/limits.ts";
import type { PresenceEntry } from "../wire/part.ts";

interface Entry extends PresenceEntry {
  /** The connection that it came over; undefined for our own. */
  readonly via: object | undefined;
  readonly heardMs: number;
}

/** Whose presence it is, and what it says. */
export interface Presence {
  /** The node's session: another one after each start. */
  readonly session: string;
  /** What it has set. */
  readonly state: unknown;
}

/** The presences in one document. */
export class PresenceTable {
  readonly #session: string;
  readonly #limits: Limits;
  readonly #ttlMs: number;
  readonly #entries: Map<string, Entry> = new Map();
  #counter = 0;
  /** Counts the changes. */
  revision = 0;

  constructor(session: string, limits: Limits, ttlMs: number) {
    this.#session = session;
    this.#limits = limits;
    this.#ttlMs = ttlMs;
  }

  /** How many are there, our own among them. */
  get size(): number {
    let size = 0;
    for (const { state } of this.#entries.values()) if (state !== undefined) size++;
    return size;
  }

  /** Says where we are; undefined: no longer here. */
  set(state: unknown, nowMs: number): void {
    const json = state === undefined ? undefined : JSON.stringify(state);
    const bytes = json === undefined ? 0 : new TextEncoder().encode(json).length;
    if (bytes > this.#limits.presenceBytesMax || (json !== undefined && !json.isWellFormed())) {
      const { presenceBytesMax } = this.#limits;
      throw new RangeError(
        `a presence has at most ${presenceBytesMax} bytes of JSON, got ${bytes}`,
      );
    }
    if (json === undefined && !this.#entries.has(this.#session)) return;
    this.#put({ session: this.#session, counter: ++this.#counter, state: json }, undefined, nowMs);
  }

  /** All who are there, ourselves among them. */
  list(): Presence[] {
    const present = [...this.#entries.values()].filter(({ state }) => state !== undefined);
    return present.map(({ session, state }) => ({ session, state: JSON.parse(state as string) }));
  }

  /** Takes in what came over a connection. What is too much, or older, is left out. */
  receive(entries: readonly PresenceEntry[], via: object, nowMs: number): void {
    for (const entry of entries) {
      if (entry.session === this.#session) this.#answer(entry, nowMs);
      else this.#take(entry, via, nowMs);
    }
  }

  /** What is newer than what a connection was sent, and did not come from it. */
  news(via: object, sent: Map<string, number>): PresenceEntry[] {
    const news: PresenceEntry[] = [];
    for (const [session, entry] of this.#entries) {
      const rank = rankOf(entry);
      if (entry.via === via || rank <= (sent.get(session) ?? 0)) continue;
      sent.set(session, rank);
      const { counter, state } = entry;
      news.push({ session, counter, state });
    }
    for (const session of sent.keys()) if (!this.#entries.has(session)) sent.delete(session);
    return news;
  }

  /** Says again that we are here: to somebody new, or because it is time. */
  renew(nowMs: number): void {
    const own = this.#entries.get(this.#session);
    if (own?.state === undefined) return;
    this.#put({ ...own, counter: ++this.#counter }, undefined, nowMs);
  }

  /** A connection is gone, and with it who came over it. */
  forget(via: object, nowMs: number): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.via === via && entry.state !== undefined) this.#leave(entry, nowMs);
    }
  }

  /** Lets go who has not been heard of; renews ourselves. Returns when to come again. */
  tick(nowMs: number): number | undefined {
    let nextMs: number | undefined;
    for (const entry of [...this.#entries.values()]) {
      const isOwn = entry.session === this.#session && entry.state !== undefined;
      const dueMs = entry.heardMs + (isOwn ? this.#ttlMs / 3 : this.#ttlMs);
      if (dueMs > nowMs) {
        nextMs = Math.min(nextMs ?? dueMs, dueMs);
      } else if (isOwn) {
        this.renew(nowMs);
        nextMs = Math.min(nextMs ?? Number.POSITIVE_INFINITY, nowMs + this.#ttlMs / 3);
      } else {
        this.#entries.delete(entry.session);
        this.revision++;
      }
    }
    return nextMs;
  }

  #take(entry: PresenceEntry, via: object, nowMs: number): void {
    const known = this.#entries.get(entry.session);
    if (known === undefined && this.#entries.size >= this.#limits.presencesMax) return;
    if (known !== undefined && rankOf(entry) <= rankOf(known)) return;
    // Another path has lost it; ours has not.
    const isHearsay = entry.state === undefined && known?.state !== undefined && known.via !== via;
    if (!isHearsay) this.#put(entry, via, nowMs);
  }

  // Somebody says that we are gone, or knows us with a higher counter: we are here, and count on.
  #answer(entry: PresenceEntry, nowMs: number): void {
    const own = this.#entries.get(this.#session);
    if (own === undefined || rankOf(entry) <= rankOf(own)) return;
    this.#counter = Math.max(this.#counter, entry.counter);
    this.renew(nowMs);
  }

  #leave(entry: Entry, nowMs: number): void {
    this.#put({ ...entry, state: undefined }, entry.via, nowMs);
  }

  #put({ session, counter, state }: PresenceEntry, via: object | undefined, heardMs: number): void {
    this.#entries.set(session, { session, counter, state, via, heardMs });
    this.revision++;
  }
}

const rankOf = ({ counter, state }: PresenceEntry): number =>
  2 * counter + (state === undefined ? 1 : 0);
