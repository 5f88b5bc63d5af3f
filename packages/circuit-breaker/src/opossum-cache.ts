// The cache behind opossum's options `cache` and `coalesce`: promises by key, each with a time to
// live on the monotonic clock, and the oldest entry going first once the cache is full.
import { systemClock } from "@compendium/runtime";
import type { Milliseconds } from "./opossum-stats.ts";

/** A cache of the user's own, in opossum's shape. */
export interface CacheTransport {
  /** The value of a key, normally a promise; anything falsy where there is none. */
  get(key: string): unknown;
  /** Keeps a value until `expiresAt` on the wall clock, in ms since 1970; 0: for good. */
  set(key: string, value: Promise<unknown>, expiresAt: number): void;
  /** Forgets everything. */
  flush(): void;
}

// The most that a Map can hold, less one: opossum's default.
const ENTRIES_MAX = 2 ** 24 - 1;

/** Promises by key, for a while. Every operation is O(1). */
export class PromiseCache {
  readonly #entriesMax: number;
  readonly #ttlMs: Milliseconds;
  readonly #entries = new Map<string, { value: Promise<unknown>; expiresAtMs: number }>();

  /** `ttlMs` of 0 or less: entries do not expire. */
  constructor(ttlMs: Milliseconds, entriesMax: number = ENTRIES_MAX) {
    this.#ttlMs = ttlMs > 0 ? ttlMs : Infinity;
    this.#entriesMax = entriesMax;
  }

  get(key: string): Promise<unknown> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > systemClock.now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: Promise<unknown>): void {
    if (!this.#entries.has(key) && this.#entries.size >= this.#entriesMax) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    if (this.#entriesMax < 1) return;
    this.#entries.set(key, { value, expiresAtMs: systemClock.now() + this.#ttlMs });
  }

  /** Forgets the entry, if it still is this one. */
  delete(key: string, value: Promise<unknown>): void {
    if (this.#entries.get(key)?.value === value) this.#entries.delete(key);
  }

  flush(): void {
    this.#entries.clear();
  }
}

/** What the breaker needs of either cache. */
export interface ResultCache {
  get(key: string): unknown;
  set(key: string, value: Promise<unknown>): void;
  flush(): void;
}

/** A user's transport as a cache. It is told times of the wall clock: that is its contract. */
export function cacheOver(transport: CacheTransport, ttlMs: Milliseconds): ResultCache {
  return {
    get: (key) => transport.get(key),
    set: (key, value) => transport.set(key, value, ttlMs > 0 ? systemClock.wallMs() + ttlMs : 0),
    flush: () => transport.flush(),
  };
}
