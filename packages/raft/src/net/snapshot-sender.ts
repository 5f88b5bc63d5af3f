// The sending half of snapshots: one member's, one at a time, each on a link of its own, so that
// what is said meanwhile is not held up. When the link breaks it is dialed again, and the receiver
// says how much it has. Attempts that bring nothing are counted; those that do are bounded by the
// chunks that there are. Nobody but the receiver can say that it has arrived.
//
// What is under way is bounded by what the receiver says it has, as on a link of messages: a
// window, and no more, stands in queues and kernels.

import { crc32c } from "@compendium/runtime";
import { NO_BYTES } from "../core/entry.ts";
import type { Message } from "../core/message.ts";
import { dial, isMalformed, type Meeting, nextFrame } from "./handshake.ts";
import { DELIVERED, decodeRefusal, malformed, REFUSAL, type Refusal } from "./hello.ts";
import {
  decodeHave,
  encodeChunk,
  encodeOffer,
  type Offer,
  type SnapshotMessage,
} from "./snapshot-frames.ts";
import type { Surroundings } from "./surroundings.ts";

const REFUSED_MS = 3_000;

/** Sends snapshots to one member. */
export class SnapshotSender {
  readonly #around: Surroundings;
  readonly #id: number;
  #address: string | undefined;
  #running: AbortController | undefined;
  #waiting: SnapshotMessage | undefined;

  constructor(around: Surroundings, id: number) {
    this.#around = around;
    this.#id = id;
  }

  /** Where the member is from now on; without an address, what is under way is given up. */
  moveTo(address: string | undefined): void {
    this.#address = address;
    if (address === undefined) this.#running?.abort();
  }

  /** Sends it once the one under way is settled; one that waits already is given up for it. */
  send(message: Message): void {
    const { snapshot } = message;
    if (snapshot === undefined || this.#address === undefined) return this.#settle(false);
    const next = { ...message, snapshot };
    if (this.#running === undefined) return this.#start(next);
    if (this.#waiting !== undefined) this.#settle(false);
    this.#waiting = next;
  }

  #settle(delivered: boolean): void {
    this.#around.settled(this.#id, delivered);
  }

  #start(message: SnapshotMessage): void {
    this.#running = new AbortController();
    this.#around.track(this.#run(message, this.#running.signal));
  }

  async #run(message: SnapshotMessage, signal: AbortSignal): Promise<void> {
    this.#settle(await this.#transfer(message, signal));
    this.#running = undefined;
    const next = this.#waiting;
    this.#waiting = undefined;
    if (next !== undefined) this.send(next);
  }

  async #transfer(message: SnapshotMessage, signal: AbortSignal): Promise<boolean> {
    const { snapshotAttemptsMax } = this.#around.settings;
    const cargo = await load(this.#around, message, signal);
    for (let barren = 0; barren < snapshotAttemptsMax; ) {
      if (signal.aborted || this.#around.isClosing || this.#address === undefined) return false;
      const before = cargo.reached;
      const outcome = await this.#attempt(cargo, this.#address, signal);
      if (outcome === "delivered") return true;
      if (outcome === "refused") {
        // The leader tries again as soon as it hears of this, with the same snapshot: one that is
        // too large would be sent, and its check computed, over and over.
        await this.#around.sleep(REFUSED_MS, signal);
        return false;
      }
      barren = cargo.reached > before ? 0 : barren + 1;
      await this.#around.sleep(this.#around.backoffMs(Math.max(1, barren)), signal);
    }
    return false;
  }

  async #attempt(cargo: Cargo, address: string, signal: AbortSignal): Promise<Outcome> {
    const call = { id: this.#id, address, purpose: "snapshot", gone: 0, signal } as const;
    const outcome = await dial(this.#around, call);
    if (outcome === undefined) return "broken";
    const answer = "link" in outcome ? await ship(this.#around, cargo, outcome, signal) : outcome;
    if (typeof answer === "string") return answer;
    if (answer.kind !== "no" || this.#around.isClosing) return "broken";
    this.#around.receiver.refused(this.#id, answer.reason);
    return "refused";
  }
}

// A snapshot, ready to be sent.
interface Cargo {
  readonly offer: Offer;
  readonly data: Uint8Array;
  /** The check of all up to the end of each chunk. */
  readonly checks: Uint32Array;
  /** The most that the receiver was known to have. */
  reached: number;
}

// As much is checked in a turn as keeps a heartbeat waiting for no more than some milliseconds.
const CHECK_BYTES_PER_TURN = 4 * 2 ** 20;

async function load(
  around: Surroundings,
  message: SnapshotMessage,
  signal: AbortSignal,
): Promise<Cargo> {
  const { chunkBytes } = around.settings;
  const { snapshot } = message;
  const { data } = snapshot;
  const checks = new Uint32Array(Math.ceil(data.length / chunkBytes));
  let crc = 0;
  let inTurn = 0;
  for (let chunk = 0; chunk < checks.length && !signal.aborted; chunk++) {
    const from = chunk * chunkBytes;
    const to = Math.min(data.length, from + chunkBytes);
    crc = crc32c(data, from, to, crc);
    checks[chunk] = crc;
    inTurn += to - from;
    if (inTurn < CHECK_BYTES_PER_TURN) continue;
    inTurn = 0;
    await around.sleep(0, signal);
  }
  const bare = { ...message, snapshot: { ...snapshot, data: NO_BYTES } };
  const transfer = around.drawName();
  const offer = { transfer, total: data.length, crc, chunkBytes, message: bare };
  return { offer, data, checks, reached: 0 };
}

// Delivered by the receiver's own word; refused for good; or worth another attempt.
type Outcome = "delivered" | "refused" | "broken";

/** One attempt on one link: how it ended, or what the receiver has against it. */
async function ship(
  around: Surroundings,
  cargo: Cargo,
  { link, frames }: Meeting,
  signal: AbortSignal,
): Promise<Outcome | Refusal> {
  const { silenceMs } = around.settings;
  const destroy = (): void => link.destroy();
  signal.addEventListener("abort", destroy);
  around.closing.addEventListener("abort", destroy);
  let watch = around.after(silenceMs, destroy);
  try {
    if (signal.aborted || around.isClosing) return "broken";
    link.send(encodeOffer(cargo.offer));
    const loading = new Loading(around, cargo, link.send.bind(link), () => link.drained());
    for (;;) {
      const frame = await nextFrame(frames);
      if (frame === undefined) return "broken";
      if (frame[0] === REFUSAL) return decodeRefusal(frame);
      if (frame[0] === DELIVERED) return "delivered";
      watch[Symbol.dispose]();
      watch = around.after(silenceMs, destroy);
      await loading.goOn(decodeHave(frame));
    }
  } catch (error) {
    if (isMalformed(error)) return "broken";
    throw error;
  } finally {
    watch[Symbol.dispose]();
    signal.removeEventListener("abort", destroy);
    around.closing.removeEventListener("abort", destroy);
    destroy();
  }
}

// How far one attempt has come.
class Loading {
  readonly #around: Surroundings;
  readonly #cargo: Cargo;
  readonly #send: (frame: Uint8Array) => string;
  readonly #drained: () => Promise<void>;
  // Invariant: have <= next <= total; what is in [have, next) is under way.
  #have = -1;
  #next = 0;

  constructor(
    around: Surroundings,
    cargo: Cargo,
    send: (frame: Uint8Array) => string,
    drained: () => Promise<void>,
  ) {
    this.#around = around;
    this.#cargo = cargo;
    this.#send = send;
    this.#drained = drained;
  }

  async goOn(have: number): Promise<void> {
    const { windowBytes } = this.#around.settings;
    const { offer, data, checks } = this.#cargo;
    const { total, chunkBytes } = offer;
    this.#arrive(have, total, chunkBytes);
    while (this.#next < total && this.#next - have < windowBytes) {
      const to = Math.min(total, this.#next + chunkBytes);
      const crc = checks[this.#next / chunkBytes] as number;
      const frame = encodeChunk(data, this.#next, to, crc);
      for (let sent = this.#send(frame); sent !== "queued"; sent = this.#send(frame)) {
        if (sent === "closed") return;
        await this.#drained();
      }
      this.#around.counts.bytesSent += frame.length;
      this.#next = to;
    }
  }

  #arrive(have: number, total: number, chunkBytes: number): void {
    const isFirst = this.#have < 0;
    const isBorder = have === total || (have < total && have % chunkBytes === 0);
    if (!isBorder || have <= this.#have || (!isFirst && have > this.#next)) {
      throw malformed("count of bytes that are there");
    }
    this.#have = have;
    if (isFirst) this.#next = have;
    this.#cargo.reached = Math.max(this.#cargo.reached, have);
  }
}
