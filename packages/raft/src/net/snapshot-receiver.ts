// The receiving half of snapshots. What has arrived of one is kept when its link breaks, for a
// while, and whoever offers exactly that one again is told how much is there; so a large snapshot
// gets through a network that never holds for as long as it takes. What is whole is delivered, and
// only then acknowledged; the acknowledgement may be lost, so the last transfers that were
// delivered are remembered, and are not delivered again.
//
// The peer says how large it is. The buffer grows with what has arrived: who announces 256 MiB and
// sends nothing costs nothing.
import type { Link } from "@compendium/runtime";
import { crc32c } from "@compendium/runtime";
import { isMalformed, type Meeting, nextFrame, refuse } from "./handshake.ts";
import { DELIVERED, malformed } from "./hello.ts";
import { decodeChunk, decodeOffer, encodeHave, isSame, type Offer } from "./snapshot-frames.ts";
import type { Surroundings } from "./surroundings.ts";

// A snapshot of which a part is here.
interface Partial {
  readonly offer: Offer;
  // Invariant: crc is the check of buffer[0 .. filled).
  buffer: Uint8Array;
  filled: number;
  crc: number;
  /** The link on which more of it comes; undefined while none is. */
  link: Link | undefined;
  idleSinceMs: number;
}

const DELIVERED_MAX = 64;
const BUFFER_BYTES_MIN = 65_536;

/** Receives snapshots from all members. */
export class SnapshotReceiver {
  readonly #around: Surroundings;
  // Invariant: at most `partialSnapshotsMax`, in the order in which they were begun.
  readonly #partials: Partial[] = [];
  // The last transfers that were delivered, oldest first.
  readonly #delivered = new Set<number>();
  readonly #links = new Set<Link>();
  #expiry: Disposable | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Receives one, on a link whose other end has been welcomed. */
  async receive({ link, frames, theirs }: Meeting): Promise<void> {
    this.#links.add(link);
    const { silenceMs } = this.#around.settings;
    let watch = this.#around.after(silenceMs, () => link.destroy());
    let partial: Partial | undefined;
    try {
      for (;;) {
        const frame = await nextFrame(frames);
        if (frame === undefined || this.#around.isClosing) return;
        watch[Symbol.dispose]();
        watch = this.#around.after(silenceMs, () => link.destroy());
        this.#around.counts.bytesReceived += frame.length;
        if (partial === undefined) partial = this.#begin(link, theirs.from, decodeOffer(frame));
        // Another link brings it now.
        else if (partial.link === link) this.#append(partial, frame);
        if (partial?.link !== link || this.#finish(partial, link)) return;
        link.send(encodeHave(partial.filled));
      }
    } catch (error) {
      link.destroy();
      if (!isMalformed(error)) throw error;
    } finally {
      watch[Symbol.dispose]();
      this.#links.delete(link);
      this.#leave(partial, link);
      this.#around.release(link);
    }
  }

  // Undefined when there is nothing to receive: it has been refused, or was here before.
  #begin(link: Link, from: number, offer: Offer): Partial | undefined {
    const { self, settings } = this.#around;
    const { message, transfer, total } = offer;
    if (message.to !== self.id || message.from !== from)
      throw malformed("snapshot from its sender");
    if (this.#delivered.has(transfer)) {
      link.send(Uint8Array.of(DELIVERED));
      return undefined;
    }
    if (total > settings.snapshotBytesMax || offer.chunkBytes > settings.snapshotBytesMax) {
      const reason = `a snapshot of ${total} bytes; at most ${settings.snapshotBytesMax}`;
      refuse(this.#around, link, { kind: "no", reason });
      return undefined;
    }
    const partial = this.#take(offer);
    if (partial === undefined) {
      refuse(this.#around, link, { kind: "busy", reason: "other snapshots are on their way" });
      return undefined;
    }
    partial.link = link;
    return partial;
  }

  // The part of it that is here, or a place for it.
  #take(offer: Offer): Partial | undefined {
    const at = this.#partials.findIndex((each) => isSame(each.offer, offer));
    const known = at < 0 ? undefined : this.#partials[at];
    if (known !== undefined) {
      // What is delivered in the end is the message of who has sent it last.
      known.link?.destroy();
      known.link = undefined;
      const renewed = { ...known, offer };
      this.#partials[at] = renewed;
      return renewed;
    }
    if (this.#partials.length >= this.#around.settings.partialSnapshotsMax) {
      const idle = this.#partials.findIndex(({ link }) => link === undefined);
      if (idle < 0) return undefined;
      this.#partials.splice(idle, 1);
    }
    const buffer = new Uint8Array(0);
    const partial = { offer, buffer, filled: 0, crc: 0, link: undefined, idleSinceMs: 0 };
    this.#partials.push(partial);
    return partial;
  }

  #append(partial: Partial, frame: Uint8Array): void {
    const { total, chunkBytes } = partial.offer;
    const { crc, data } = decodeChunk(frame);
    const expected = Math.min(chunkBytes, total - partial.filled);
    const check = crc32c(data, 0, data.length, partial.crc);
    if (data.length !== expected || check !== crc) throw malformed("chunk of this snapshot");
    const filled = partial.filled + data.length;
    if (filled > partial.buffer.length) {
      // Doubling keeps the copying linear; never more than twice what has arrived.
      const bytes = Math.min(total, Math.max(BUFFER_BYTES_MIN, filled * 2));
      const larger = new Uint8Array(bytes);
      larger.set(partial.buffer.subarray(0, partial.filled));
      partial.buffer = larger;
    }
    partial.buffer.set(data, partial.filled);
    partial.filled = filled;
    partial.crc = check;
  }

  // True when it was whole, and is delivered.
  #finish(partial: Partial, link: Link): boolean {
    const { offer, filled, buffer, crc } = partial;
    if (filled < offer.total) return false;
    this.#remove(partial);
    // Each chunk was as its sender read it; what it was offered as is another thing.
    if (crc !== offer.crc) throw malformed("snapshot that was offered");
    this.#remember(offer.transfer);
    this.#around.counts.messagesReceived++;
    const { message } = offer;
    const data = buffer.subarray(0, filled);
    this.#around.receiver.receive({ ...message, snapshot: { ...message.snapshot, data } });
    link.send(Uint8Array.of(DELIVERED));
    return true;
  }

  #remember(transfer: number): void {
    this.#delivered.add(transfer);
    if (this.#delivered.size <= DELIVERED_MAX) return;
    const [oldest] = this.#delivered;
    if (oldest !== undefined) this.#delivered.delete(oldest);
  }

  #remove(partial: Partial): void {
    const at = this.#partials.indexOf(partial);
    if (at >= 0) this.#partials.splice(at, 1);
  }

  #leave(partial: Partial | undefined, link: Link): void {
    if (partial?.link !== link) return;
    partial.link = undefined;
    partial.idleSinceMs = this.#around.nowMs;
    this.#expire();
  }

  // Forgets what nobody has gone on with; one timer, while there is something to forget.
  #expire(): void {
    this.#expiry?.[Symbol.dispose]();
    this.#expiry = undefined;
    if (this.#around.isClosing) return;
    const { partialSnapshotKeepMs } = this.#around.settings;
    const { nowMs } = this.#around;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const partial of [...this.#partials]) {
      if (partial.link !== undefined) continue;
      const untilMs = partial.idleSinceMs + partialSnapshotKeepMs;
      if (untilMs <= nowMs) this.#remove(partial);
      else nextMs = Math.min(nextMs, untilMs);
    }
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#expiry = this.#around.after(nextMs - nowMs, () => this.#expire());
  }

  /** Lets go of all. */
  close(): void {
    this.#expiry?.[Symbol.dispose]();
    this.#expiry = undefined;
    this.#partials.length = 0;
    for (const link of this.#links) link.destroy();
  }
}
