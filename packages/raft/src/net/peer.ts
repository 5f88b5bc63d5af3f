// One member, as the others see it: where it is, what waits for it, and the link to it if there is
// one. It is dialed when there is something to send, by either side, so that both may dial at once.
// Of two links that would arise so, both sides keep one:
//
//   - A link that both ends have stays, and one that was dialed at the same time is refused.
//   - Of two attempts that have crossed, that of the member with the lower id goes on. The other
//     member gives up its own when it hears of it. The lower one may have taken the other's link
//     by then, and so sends nothing on it until its own attempt is decided; so nothing is lost.
//   - A link that was dialed because an older one is dead replaces that. Which of the two cases it
//     is, a side that has not noticed yet could not tell; the hello says it (hello.ts).
//
// While a first attempt is under way messages wait; between attempts they are dropped at once. Raft
// sends what matters again, and by then says something newer.
import type { Message } from "../core/message.ts";
import { dial, type Meeting, welcome } from "./handshake.ts";
import type { Hello, Refusal } from "./hello.ts";
import { type LinkOwner, MessageLink } from "./message-link.ts";
import { Outbox } from "./outbox.ts";
import { SnapshotSender } from "./snapshot-sender.ts";
import type { Surroundings } from "./surroundings.ts";

interface Attempt {
  readonly controller: AbortController;
  /** The other end may know of it. */
  hasSaidHello: boolean;
}

/** What a peer asks of the network that it belongs to. */
export interface PeerHost {
  /** Has `flush` called, on a later turn. */
  wake(peer: Peer): void;
  /** It has neither a link nor an address: nothing is left to remember. */
  forget(peer: Peer): void;
}

/** Another member. */
export class Peer implements LinkOwner {
  readonly id: number;
  readonly outbox: Outbox;
  readonly snapshots: SnapshotSender;
  readonly #around: Surroundings;
  readonly #host: PeerHost;
  #address: string | undefined;
  #link: MessageLink | undefined;
  // Beside a link only while that may yet give way: see `accept`.
  #attempt: Attempt | undefined;
  // The last link that was in use, once it is no more; 0 before.
  #gone = 0;
  #failures = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #dropped = false;

  constructor(around: Surroundings, host: PeerHost, id: number) {
    this.id = id;
    this.#around = around;
    this.#host = host;
    this.outbox = new Outbox(around.settings);
    this.snapshots = new SnapshotSender(around, id);
  }

  get isLinked(): boolean {
    return this.#link !== undefined;
  }

  /** Where it is from now on; undefined if it is no member any more. */
  moveTo(address: string | undefined): void {
    if (address === this.#address) return;
    this.#address = address;
    this.snapshots.moveTo(address);
    this.#attempt?.controller.abort();
    this.#attempt = undefined;
    this.#failures = 0;
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
    // A link that it has dialed itself leads to it, wherever it is.
    if (this.#link?.isDialedByUs) this.#detach();
  }

  /** It is no member any more: lets go of all that it had. */
  leave(): void {
    this.moveTo(undefined);
    this.#detach();
    this.#around.counts.messagesDropped += this.outbox.drop();
  }

  #detach(): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#link = undefined;
    this.#gone = link.name;
    link.retire();
  }

  /** Adds a message to what waits; one for which there is no room is dropped. */
  push(message: Message): void {
    if (this.outbox.push(message)) return;
    this.#around.counts.messagesDropped++;
    this.#dropped = true;
  }

  /** Sends what waits, or sees to it that it can be sent, or drops it. */
  flush(): void {
    if (this.#attempt === undefined) {
      if (this.#link !== undefined) this.#link.pump();
      else if (!this.outbox.isEmpty) this.#dial();
    }
    if (!this.#dropped) return;
    this.#dropped = false;
    this.#around.unreachable(this.id);
  }

  #dial(): void {
    const address = this.#address;
    if (address === undefined || this.#around.nowMs < this.#retryAtMs) return this.#drop();
    const attempt = { controller: new AbortController(), hasSaidHello: false };
    this.#attempt = attempt;
    this.#around.track(this.#connect(address, attempt));
  }

  #drop(): void {
    const count = this.outbox.drop();
    this.#around.counts.messagesDropped += count;
    if (count > 0) this.#dropped = true;
  }

  async #connect(address: string, attempt: Attempt): Promise<void> {
    const { signal } = attempt.controller;
    const onHello = (): void => {
      attempt.hasSaidHello = true;
    };
    const call = { id: this.id, address, purpose: "messages", gone: this.#gone } as const;
    const outcome = await dial(this.#around, { ...call, signal, onHello });
    const isMeeting = outcome !== undefined && "link" in outcome;
    if (this.#attempt !== attempt || this.#around.isClosing) {
      if (isMeeting) outcome.link.destroy();
      return;
    }
    this.#attempt = undefined;
    if (isMeeting) return this.#adopt(outcome, true);
    if (outcome !== undefined) this.refused(outcome);
    // Refused because it has dialed itself meanwhile: that link will do.
    if (this.#link !== undefined) return this.flush();
    this.#fail();
    this.flush();
  }

  #fail(): void {
    this.#retryAtMs = this.#around.nowMs + this.#around.backoffMs(++this.#failures);
  }

  /** Takes a link that the member has dialed, or says why not. */
  accept(meeting: Meeting): Refusal | undefined {
    const { theirs } = meeting;
    const link = this.#link;
    if (link !== undefined && !this.#yields(link, theirs)) {
      return { kind: "crossed", reason: "there is a link already" };
    }
    const attempt = this.#attempt;
    // An attempt that the other end may know of, and would keep, must go on: else each side could
    // throw away the link that the other one keeps.
    if (attempt !== undefined && !(attempt.hasSaidHello && this.#around.self.id < this.id)) {
      attempt.controller.abort();
      this.#attempt = undefined;
    }
    welcome(this.#around, meeting.link, theirs);
    this.#adopt(meeting, false);
    return undefined;
  }

  // Whether the other end has no use for this link any more, or has never had.
  #yields(link: MessageLink, theirs: Hello): boolean {
    return !link.isDialedByUs || theirs.life !== link.life || theirs.gone === link.name;
  }

  #adopt(meeting: Meeting, isDialedByUs: boolean): void {
    const old = this.#link;
    const link = new MessageLink(this.#around, this, meeting, isDialedByUs);
    this.#link = link;
    this.#around.counts.linksOpened++;
    old?.retire();
    this.#around.track(link.run());
    this.#host.wake(this);
  }

  heard(): void {
    this.#failures = 0;
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
  }

  wake(): void {
    this.#host.wake(this);
  }

  refused({ kind, reason }: Refusal): void {
    if (kind === "no" && !this.#around.isClosing) this.#around.receiver.refused(this.id, reason);
  }

  ended(link: MessageLink): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#gone = link.name;
    if (this.#around.isClosing) return;
    if (link.isUnanswered) this.#dropped = true;
    // A member that says hello and hangs up must not be dialed without a pause.
    if (!link.wasHeard) this.#fail();
    if (this.#attempt === undefined) this.#drop();
    this.flush();
    if (this.#address === undefined) this.#host.forget(this);
  }

  /** Says goodbye: what waits is handed to the link. */
  close(): void {
    this.snapshots.moveTo(undefined);
    this.#attempt?.controller.abort();
    this.#attempt = undefined;
    this.#link?.pump(true);
    this.#detach();
    this.#around.counts.messagesDropped += this.outbox.drop();
  }
}
