// Durable writes on the calling thread. Handing a write to the thread pool and being woken by it
// takes about as long as a quick disk takes for the write; and on a busy machine longer, because
// whoever sleeps has to wait for a processor again. So a small write is made where it is asked for,
// as etcd's loop does, and the event loop stands still until the disk says that it is durable.
//
// How long that will be nobody knows beforehand. Each is timed, and what the slow ones among them
// take is paid from an allowance, a token bucket of milliseconds:
//
//   took up to quickMs     costs nothing: the next one may be inline as well
//   took longer            costs what it took; who has nothing left uses the thread pool
//   every 10 ms that pass  give one back, up to 20
//
// Over any time, then, slow writes hold up the loop for at most a tenth of it, 20 ms, and the
// last of them. One that is slow by chance changes nothing; a disk that is always slow is left to
// the pool, but for a try now and then that finds out when it is quick again.
//
// It begins when the turn is over. A leader has sent to its followers by then, whose disks work
// while its own does.
//
// Left out: a bound on a single write. While a disk hangs, so does the process.

import { writevSync } from "node:fs";

/** What inline writes have taken. */
export interface InlineSyncStats {
  /** How many there were. */
  readonly writes: number;
  /** How many of them were slow. */
  readonly slow: number;
  /** Milliseconds that the longest has taken. */
  readonly longestMs: number;
}

/** The largest write that is made inline: beside a larger one, the way to the pool is short. */
const INLINE_BYTES_MAX = 4_096;
const ALLOWANCE_MS = 20;
const SHARE = 1 / 10;

/** Makes durable writes on the calling thread, as long as they are quick. One for each disk. */
export class InlineSync {
  readonly #quickMs: number;
  readonly #clock: { now(): number };
  // Invariant: the allowance was #allowanceMs at #asOfMs, and has grown since, to ALLOWANCE_MS.
  #allowanceMs = ALLOWANCE_MS;
  #asOfMs: number;
  #isBusy = false;
  readonly #stats = { writes: 0, slow: 0, longestMs: 0 };

  /** @param quickMs in milliseconds; with 0, nothing is inline */
  constructor(quickMs: number, clock: { now(): number } = performance) {
    this.#quickMs = quickMs;
    this.#clock = clock;
    this.#asOfMs = clock.now();
  }

  /**
   * Writes all chunks, if they are small and the disk is quick.
   *
   * @param fd a descriptor whose writes are durable when they return (O_DSYNC)
   * @returns false if nothing was done, and the thread pool is to do it
   */
  async write(fd: number, chunks: readonly Uint8Array[], offset: number): Promise<boolean> {
    // Two at a time would be one after the other here, and beside each other in the pool.
    if (this.#isBusy || bytesOf(chunks) > INLINE_BYTES_MAX || !this.#isAllowed()) return false;
    this.#isBusy = true;
    try {
      await endOfTurn();
      this.#write(fd, chunks, offset);
    } finally {
      this.#isBusy = false;
    }
    return true;
  }

  /** What has been written, as of now. */
  stats(): InlineSyncStats {
    return { ...this.#stats };
  }

  #isAllowed(): boolean {
    if (this.#quickMs <= 0) return false;
    this.#grow(this.#clock.now());
    return this.#allowanceMs > 0;
  }

  #grow(nowMs: number): void {
    const grownMs = this.#allowanceMs + (nowMs - this.#asOfMs) * SHARE;
    this.#allowanceMs = Math.min(ALLOWANCE_MS, grownMs);
    this.#asOfMs = nowMs;
  }

  // What fails may have taken long, too.
  #write(fd: number, chunks: readonly Uint8Array[], offset: number): void {
    const startedAt = this.#clock.now();
    this.#grow(startedAt);
    try {
      writeAll(fd, chunks, offset);
    } finally {
      const tookMs = this.#clock.now() - startedAt;
      const isSlow = tookMs > this.#quickMs;
      if (isSlow) this.#allowanceMs -= tookMs;
      this.#stats.writes++;
      this.#stats.slow += Number(isSlow);
      this.#stats.longestMs = Math.max(this.#stats.longestMs, tookMs);
    }
  }
}

// Sockets send what they were given when the turn ends, in process.nextTick. This is behind that,
// and behind whatever the poll that is under way has brought.
function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function writeAll(fd: number, chunks: readonly Uint8Array[], offset: number): void {
  let rest = chunks.filter((chunk) => chunk.length > 0);
  let at = offset;
  while (rest.length > 0) {
    // As in node-files.ts: at most IOV_MAX chunks, and perhaps fewer bytes than were given.
    const written = writevSync(fd, rest.slice(0, 1_024), at);
    at += written;
    rest = skip(rest, written);
  }
}

function bytesOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

/** What is left of `chunks` behind their first `bytes`. */
export function skip(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  let whole = 0;
  for (; whole < chunks.length && left >= (chunks[whole] as Uint8Array).length; whole++) {
    left -= (chunks[whole] as Uint8Array).length;
  }
  const [first, ...rest] = chunks.slice(whole);
  return first === undefined ? [] : [first.subarray(left), ...rest];
}
