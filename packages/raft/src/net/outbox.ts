// What waits to be sent to one member, in two queues. A heartbeat behind a megabyte of entries
// comes too late, and an election follows that nobody needed; so what is small and urgent goes
// first. Appends and proposals keep their order among themselves, an append without entries too:
// were it to overtake, its receiver would miss what comes before it and say no.
import type { Message } from "../core/message.ts";
import { messageBytes } from "./codec.ts";

/** Whether a message may overtake those that carry entries. */
export function isUrgent({ type }: Message): boolean {
  return type !== "append" && type !== "propose";
}

/** The limits of an outbox. */
export interface OutboxLimits {
  readonly urgentBytesMax: number;
  readonly bulkBytesMax: number;
  readonly waitingMax: number;
  readonly messageBytesMax: number;
}

/** Messages in the order in which they came, up to a limit. */
export class MessageQueue {
  readonly #bytesMax: number;
  readonly #countMax: number;
  // Invariant: what waits is messages[head..] with sizes[head..], and `bytes` is their sum.
  #messages: Message[] = [];
  #sizes: number[] = [];
  #head = 0;
  #bytes = 0;

  constructor(bytesMax: number, countMax: number) {
    this.#bytesMax = bytesMax;
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#messages.length - this.#head;
  }

  /** The size of the first one; 0 if there is none. */
  get nextBytes(): number {
    return this.#sizes[this.#head] ?? 0;
  }

  /** False when there is no room; an empty queue takes anything. */
  push(message: Message, bytes: number): boolean {
    const { count } = this;
    if (count > 0 && (count >= this.#countMax || this.#bytes + bytes > this.#bytesMax))
      return false;
    this.#messages.push(message);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    return true;
  }

  /** The last one, if any waits. */
  get last(): Message | undefined {
    return this.count > 0 ? this.#messages.at(-1) : undefined;
  }

  /** Takes the last one back. */
  pop(): void {
    this.#messages.pop();
    this.#bytes -= this.#sizes.pop() ?? 0;
    if (this.count === 0) this.#clear();
  }

  shift(): Message {
    const message = this.#messages[this.#head] as Message;
    this.#bytes -= this.#sizes[this.#head++] as number;
    if (this.#head === this.#messages.length) {
      this.#clear();
    } else if (this.#head * 2 > this.#messages.length && this.#head > 64) {
      this.#messages = this.#messages.slice(this.#head);
      this.#sizes = this.#sizes.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** Drops all, and says how many. */
  drop(): number {
    const { count } = this;
    this.#clear();
    return count;
  }

  #clear(): void {
    this.#messages = [];
    this.#sizes = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}

// A leader tells how far it has committed as soon as it knows, by an append without entries; if the
// next proposal leaves in the same turn, its append says that too. Half of the messages of a client
// that proposes one thing after the other are such, and each is answered.
function saysAsMuch(message: Message, before: Message | undefined): boolean {
  if (before?.type !== "append" || message.type !== "append") return false;
  const { term, index, commit, entries } = before;
  return (
    entries.length === 0 &&
    message.term === term &&
    message.index === index &&
    message.commit >= commit
  );
}

/** The two queues of one member. */
export class Outbox {
  readonly urgent: MessageQueue;
  readonly bulk: MessageQueue;
  readonly #messageBytesMax: number;

  constructor(limits: OutboxLimits) {
    this.urgent = new MessageQueue(limits.urgentBytesMax, limits.waitingMax);
    this.bulk = new MessageQueue(limits.bulkBytesMax, limits.waitingMax);
    this.#messageBytesMax = limits.messageBytesMax;
  }

  get isEmpty(): boolean {
    return this.urgent.count === 0 && this.bulk.count === 0;
  }

  /** False when the message is dropped: there is no room, or it is too large for any frame. */
  push(message: Message): boolean {
    const bytes = messageBytes(message);
    if (bytes > this.#messageBytesMax) return false;
    if (isUrgent(message)) return this.urgent.push(message, bytes);
    if (saysAsMuch(message, this.bulk.last)) this.bulk.pop();
    return this.bulk.push(message, bytes);
  }

  /** Drops all, and says how many. */
  drop(): number {
    return this.urgent.drop() + this.bulk.drop();
  }
}
