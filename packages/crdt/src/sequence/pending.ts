// Updates that have come before what they depend on. Each waits for one operation by name; when
// that one is known the update is looked at again, and applies or finds the next one to wait for.
import type { OperationId } from "../causal/base.ts";
import { CrdtError } from "../errors.ts";

export type { OperationId };

interface Waiting {
  readonly bytes: Uint8Array;
  readonly missing: OperationId;
}

/** How many updates may wait. */
export const PENDING_UPDATES_MAX = 4096;
/** How many bytes of updates may wait. */
export const PENDING_BYTES_MAX: number = 16 * 1024 * 1024;

/** Updates that wait. */
export class Pending {
  #waiting: Waiting[] = [];
  #bytes = 0;

  /** How many wait. */
  get count(): number {
    return this.#waiting.length;
  }

  /**
   * Lets an update wait. One that waits already is not kept twice.
   *
   * @throws CrdtError `CRDT_FULL` when too much waits
   */
  add(bytes: Uint8Array, missing: OperationId): void {
    if (this.#waiting.some((other) => isSame(other.bytes, bytes))) return;
    const isFull = this.#waiting.length >= PENDING_UPDATES_MAX;
    if (isFull || this.#bytes + bytes.length > PENDING_BYTES_MAX) {
      const { agent, seq } = missing;
      throw new CrdtError("CRDT_FULL", `too much waits; this update for ${agent}:${seq}`);
    }
    this.#bytes += bytes.length;
    // A copy: the caller may go on using the buffer that these bytes are in.
    this.#waiting.push({ bytes: bytes.slice(), missing });
  }

  /** Takes out one whose wait is over, if there is one. */
  takeReady(isKnown: (id: OperationId) => boolean): Uint8Array | undefined {
    const at = this.#waiting.findIndex(({ missing }) => isKnown(missing));
    if (at === -1) return undefined;
    const [{ bytes }] = this.#waiting.splice(at, 1) as [Waiting];
    this.#bytes -= bytes.length;
    return bytes;
  }

  /** A copy that shares nothing. */
  clone(): Pending {
    const copy = new Pending();
    copy.#waiting = [...this.#waiting];
    copy.#bytes = this.#bytes;
    return copy;
  }
}

function isSame(bytes: Uint8Array, other: Uint8Array): boolean {
  if (bytes.length !== other.length) return false;
  // The check stands at the end, so most that differ are told apart by their first step.
  for (let at = bytes.length - 1; at >= 0; at--) if (bytes[at] !== other[at]) return false;
  return true;
}
