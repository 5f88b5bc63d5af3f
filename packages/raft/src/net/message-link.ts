// The link on which two members exchange messages. Each frame says how many bytes have been
// received on the link so far, and by that one number the sender knows three things:
//
//   - how much is under way, in the queues of both processes and both kernels. Bulk waits while
//     that is a window or more, so that what is urgent never stands behind more than a window. (A
//     transport's `drained` speaks of its own queue only; the kernels hold megabytes more.)
//   - whether the other end is alive: what it is sent it acknowledges, at the latest after a
//     quarter of `silenceMs`, by a frame with nothing else in it if need be. A peer that vanished
//     without a word is so found out on an otherwise silent link, too.
//   - whether something may have been lost, when the link breaks.
//
//   messages         3 | received | frame of messages (codec.ts)
//   acknowledgement  4 | received
//
// Where nothing is outstanding, there is no timer.

import { Cursor, numberBytes, putNumber } from "@compendium/runtime/varint";
import type { Message } from "../core/message.ts";
import { decodeMessages, MESSAGES_MAX, packMessages } from "./codec.ts";
import { isMalformed, type Meeting, nextFrame } from "./handshake.ts";
import {
  ACKNOWLEDGEMENT,
  decodeRefusal,
  MESSAGES,
  malformed,
  REFUSAL,
  type Refusal,
} from "./hello.ts";
import { ACKNOWLEDGE_BYTES } from "./options.ts";
import type { Outbox } from "./outbox.ts";
import type { Surroundings } from "./surroundings.ts";

/** Whose link it is. */
export interface LinkOwner {
  /** Where the link takes from what it sends. */
  readonly outbox: Outbox;
  /** Something was received: there is somebody. */
  heard(): void;
  /** Has `pump` called on a later turn. */
  wake(): void;
  /** The other end has changed its mind. */
  refused(refusal: Refusal): void;
  /** The link is gone. */
  ended(link: MessageLink): void;
}

// Small messages of one turn share a frame up to here.
const BATCH_BYTES = 65_536;

/** A link on which messages go both ways, from when its ends know each other until it is gone. */
export class MessageLink {
  /** Who is at the other end. */
  readonly id: number;
  /** Its name, drawn by its dialer. */
  readonly name: number;
  /** The life of the other end. */
  readonly life: number;
  readonly isDialedByUs: boolean;
  readonly #around: Surroundings;
  readonly #owner: LinkOwner;
  readonly #meeting: Meeting;

  // Invariant: acknowledged <= sent, both in bytes of message frames since the link was opened.
  #sent = 0;
  #acknowledged = 0;
  // Invariant: said <= received; `said` is what the other end was last told.
  #received = 0;
  #said = 0;
  #heardMs = 0;
  #wasHeard = false;
  #unansweredSinceMs = 0;
  #watch: Disposable | undefined;
  // A frame that the transport had no room for.
  #held: Uint8Array | undefined;
  #isOpen = true;

  constructor(around: Surroundings, owner: LinkOwner, meeting: Meeting, isDialedByUs: boolean) {
    this.id = meeting.theirs.from;
    this.name = meeting.name;
    this.life = meeting.theirs.life;
    this.isDialedByUs = isDialedByUs;
    this.#around = around;
    this.#owner = owner;
    this.#meeting = meeting;
  }

  /** Whether something was sent of which nobody knows whether it has arrived. */
  get isUnanswered(): boolean {
    return this.#sent > this.#acknowledged;
  }

  /** Whether anything has come since both sides have said hello. */
  get wasHeard(): boolean {
    return this.#wasHeard;
  }

  /** Receives until the link is gone. */
  async run(): Promise<void> {
    try {
      for (;;) {
        const frame = await nextFrame(this.#meeting.frames);
        if (frame === undefined || !this.#isOpen) break;
        this.#around.counts.bytesReceived += frame.length;
        const messages = this.#read(frame);
        if (messages === undefined) break;
        this.#deliver(messages);
      }
    } finally {
      this.destroy();
      this.#owner.ended(this);
    }
  }

  // Undefined when that was the last one.
  #read(frame: Uint8Array): readonly Message[] | undefined {
    try {
      return this.#decode(frame);
    } catch (error) {
      if (isMalformed(error)) return undefined;
      throw error;
    }
  }

  #decode(frame: Uint8Array): readonly Message[] | undefined {
    if (frame[0] === REFUSAL) {
      this.#owner.refused(decodeRefusal(frame));
      return undefined;
    }
    const cursor = new Cursor(frame, 1, frame.length);
    const acknowledged = cursor.number();
    const isPossible = acknowledged >= this.#acknowledged && acknowledged <= this.#sent;
    if (cursor.failed || !isPossible) throw malformed("count of bytes received");
    const messages = frame[0] === MESSAGES ? decodeMessages(frame, cursor.at) : [];
    const { self } = this.#around;
    for (const each of messages) {
      if (each.to !== self.id || !this.#maySay(each)) throw malformed(`message to ${self.id}`);
    }
    if (frame[0] === MESSAGES) this.#owe(frame.length);
    else if (frame[0] !== ACKNOWLEDGEMENT || cursor.at < cursor.end) throw malformed("frame");
    this.#heardMs = this.#around.nowMs;
    this.#wasHeard = true;
    this.#owner.heard();
    if (acknowledged > this.#acknowledged) {
      this.#acknowledged = acknowledged;
      if (!this.#owner.outbox.isEmpty) this.#owner.wake();
    }
    return messages;
  }

  // Only what a follower passes on to the leader speaks for another member.
  #maySay({ type, from }: Message): boolean {
    if (type === "snapshot") return false;
    return (
      from === this.id || type === "propose" || type === "read-index" || type === "transfer-leader"
    );
  }

  #deliver(messages: readonly Message[]): void {
    const { counts, receiver } = this.#around;
    for (const each of messages) {
      // Who receives may close everything.
      if (!this.#isOpen || this.#around.isClosing) return;
      counts.messagesReceived++;
      receiver.receive(each);
    }
  }

  #owe(bytes: number): void {
    this.#received += bytes;
    this.#arm();
    if (this.#received - this.#said >= ACKNOWLEDGE_BYTES) this.#owner.wake();
  }

  /** Sends what may be sent now; what is urgent first. */
  pump(isLast = false): void {
    while (this.#isOpen && this.#held === undefined) {
      const frame = this.#nextFrame(isLast);
      if (frame === undefined) break;
      this.#send(frame);
    }
    if (this.#received - this.#said >= ACKNOWLEDGE_BYTES) this.#acknowledge();
  }

  #nextFrame(isLast: boolean): Uint8Array | undefined {
    const { urgent, bulk } = this.#owner.outbox;
    const { windowBytes } = this.#around.settings;
    const underWay = isLast ? 0 : this.#sent - this.#acknowledged;
    const messages: Message[] = [];
    const head = 1 + numberBytes(this.#received);
    let bytes = head + 1;
    const take = (queue: typeof urgent, most: number): void => {
      while (queue.count > 0 && messages.length < MESSAGES_MAX && underWay + bytes < most) {
        // One alone may be as large as it likes. (As many entries as fit here a frame may have.)
        if (messages.length > 0 && bytes + queue.nextBytes > BATCH_BYTES) return;
        bytes += queue.nextBytes;
        messages.push(queue.shift());
      }
    };
    // What is urgent is bounded as well, by a window of its own.
    take(urgent, 2 * windowBytes);
    take(bulk, windowBytes);
    if (messages.length === 0) return undefined;
    this.#around.counts.messagesSent += messages.length;
    const frame = packMessages(messages, bytes, head);
    frame[0] = MESSAGES;
    putNumber(frame, 1, this.#received);
    return frame;
  }

  #send(frame: Uint8Array): void {
    const { link } = this.#meeting;
    const sent = link.send(frame);
    if (sent === "full") {
      this.#held = frame;
      this.#around.track(this.#sendHeld());
      return;
    }
    if (sent === "closed") return;
    this.#said = this.#received;
    if (!this.isUnanswered) this.#unansweredSinceMs = this.#around.nowMs;
    this.#sent += frame.length;
    this.#arm();
    this.#around.counts.bytesSent += frame.length;
  }

  async #sendHeld(): Promise<void> {
    await this.#meeting.link.drained();
    const frame = this.#held;
    this.#held = undefined;
    if (frame === undefined || !this.#isOpen) return;
    this.#send(frame);
    this.pump();
  }

  #acknowledge(): void {
    const frame = new Uint8Array(1 + numberBytes(this.#received));
    frame[0] = ACKNOWLEDGEMENT;
    putNumber(frame, 1, this.#received);
    // No room: then it goes with what is there already, or a little later.
    if (!this.#isOpen || this.#meeting.link.send(frame) !== "queued") return;
    this.#said = this.#received;
    this.#around.counts.bytesSent += frame.length;
  }

  // While something is outstanding, every quarter of the silence that is the end.
  #arm(): void {
    if (this.#watch !== undefined || !this.#isOpen) return;
    const quarterMs = this.#around.settings.silenceMs / 4;
    const dueMs = this.#around.nowMs + quarterMs;
    this.#watch = this.#around.after(quarterMs, () => {
      this.#watch = undefined;
      this.#look(dueMs);
    });
  }

  #look(dueMs: number): void {
    if (!this.#isOpen) return;
    const { nowMs } = this.#around;
    const { silenceMs } = this.#around.settings;
    // It was this process that stood still: what it has been sent lies in the socket, unread.
    if (nowMs - dueMs > silenceMs / 4) this.#heardMs = nowMs;
    const silentSinceMs = Math.max(this.#heardMs, this.#unansweredSinceMs);
    if (this.isUnanswered && nowMs - silentSinceMs >= silenceMs) return this.destroy();
    if (this.#received > this.#said) this.#acknowledge();
    if (this.#received > this.#said || this.isUnanswered) this.#arm();
  }

  /** Sends what was handed over, for a bounded time, and closes; nothing is received any more. */
  retire(): void {
    if (!this.#isOpen) return;
    this.#end();
    this.#around.release(this.#meeting.link);
  }

  /** Closes at once. */
  destroy(): void {
    if (!this.#isOpen) return;
    this.#end();
    this.#meeting.link.destroy();
  }

  #end(): void {
    this.#isOpen = false;
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
    if (this.#held !== undefined) this.#around.counts.messagesDropped++;
    this.#held = undefined;
  }
}
