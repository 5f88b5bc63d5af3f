// The way to the other members, over links of any transport: one long-lived link to each for
// messages (peer.ts, message-link.ts), and one for each snapshot (snapshot-sender.ts,
// snapshot-receiver.ts). etcd's rafthttp has the same two, and for the same reason.
//
// `send` only queues. What a turn has queued leaves at its end, one frame to each member: a leader
// hands out an append and the answers to a read in one turn, and each frame costs a system call on
// either side. The end is when the promises that the turn has settled have been gone through, too:
// whoever gets an answer is not kept waiting for the news of it, and what it asks next goes along.
import type { Link, Listener } from "@compendium/runtime";
import type { Message } from "../core/message.ts";
import { RaftError } from "../errors.ts";
import { hear, judge, refuse, welcome } from "./handshake.ts";
import type { Hello, Refusal } from "./hello.ts";
import { type PeerLinksOptions, type PeerLinksSettings, resolveOptions } from "./options.ts";
import { Peer } from "./peer.ts";
import type { PeerIdentity, PeerNetwork, PeerNetworkStats, PeerReceiver } from "./peer-network.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";
import { Surroundings } from "./surroundings.ts";

/** The network of one member, over a transport's links. */
export class PeerLinks implements PeerNetwork, AsyncDisposable {
  readonly #settings: PeerLinksSettings;
  #started: Started | undefined;
  #addresses: ReadonlyMap<number, string> = new Map();
  #closed: Promise<void> | undefined;

  /** @throws RangeError when an option is out of range */
  constructor(options: PeerLinksOptions) {
    this.#settings = resolveOptions(options);
  }

  /** Where others reach it: the transport's own word, once it listens. */
  get address(): string {
    return this.#started?.address ?? this.#settings.address;
  }

  /**
   * Begins to listen; once.
   *
   * @throws RuntimeError `ADDRESS_IN_USE`
   */
  async start(self: PeerIdentity, receiver: PeerReceiver): Promise<void> {
    if (this.#started !== undefined || this.#closed !== undefined) {
      throw new RaftError("RAFT_MISUSE", "a network is started once");
    }
    const around = new Surroundings(this.#settings, self, receiver);
    this.#started = new Started(around);
    this.#started.setPeers(this.#addresses);
    await this.#started.listen();
  }

  setPeers(addresses: ReadonlyMap<number, string>): void {
    this.#addresses = addresses;
    this.#started?.setPeers(addresses);
  }

  send(messages: readonly Message[]): void {
    this.#started?.send(messages);
  }

  stats(): PeerNetworkStats {
    return this.#started?.stats() ?? NOTHING;
  }

  /** Lets go of every link, and of all else; nobody is told anything from now on. */
  close(): Promise<void> {
    this.#closed ??= this.#started?.close() ?? Promise.resolve();
    return this.#closed;
  }

  /** {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const NOTHING: PeerNetworkStats = {
  messagesSent: 0,
  messagesReceived: 0,
  messagesDropped: 0,
  bytesSent: 0,
  bytesReceived: 0,
  linksOpened: 0,
  linksOpen: 0,
  snapshotsSent: 0,
  snapshotsFailed: 0,
};

// A network between `start` and `close`.
class Started {
  readonly #around: Surroundings;
  readonly #snapshots: SnapshotReceiver;
  // Invariant: a peer has an address, or a link that it has dialed; at most `peersMax`.
  readonly #peers = new Map<number, Peer>();
  readonly #awake = new Set<Peer>();
  #strangers = 0;
  #listener: Listener | undefined;
  #listening: Promise<Listener> | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#snapshots = new SnapshotReceiver(around);
  }

  get address(): string | undefined {
    return this.#listener?.address;
  }

  async listen(): Promise<void> {
    const { transport, address } = this.#around.settings;
    this.#listening = transport.listen(address, (link) => this.#accept(link));
    this.#listener = await this.#listening;
  }

  setPeers(addresses: ReadonlyMap<number, string>): void {
    if (this.#around.isClosing) return;
    const { self } = this.#around;
    for (const [id, peer] of [...this.#peers]) {
      if (addresses.has(id)) continue;
      this.#peers.delete(id);
      peer.leave();
    }
    for (const [id, address] of addresses) {
      if (id !== self.id) this.#peer(id)?.moveTo(address);
    }
  }

  send(messages: readonly Message[]): void {
    if (this.#around.isClosing) return;
    for (const message of messages) {
      const peer = this.#peers.get(message.to);
      if (message.type === "snapshot") {
        if (peer === undefined) this.#around.settled(message.to, false);
        else peer.snapshots.send(message);
      } else if (peer === undefined) {
        this.#around.counts.messagesDropped++;
        this.#around.unreachable(message.to);
      } else {
        peer.push(message);
        this.#wake(peer);
      }
    }
  }

  #wake(peer: Peer): void {
    if (this.#awake.size === 0) process.nextTick(this.#flush);
    this.#awake.add(peer);
  }

  readonly #flush = (): void => {
    const peers = [...this.#awake];
    this.#awake.clear();
    if (this.#around.isClosing) return;
    for (const peer of peers) peer.flush();
  };

  #peer(id: number): Peer | undefined {
    const known = this.#peers.get(id);
    if (known !== undefined) return known;
    if (this.#peers.size >= this.#around.settings.peersMax) return undefined;
    const host = {
      wake: (peer: Peer) => this.#wake(peer),
      forget: (peer: Peer) => {
        if (this.#peers.get(id) === peer) this.#peers.delete(id);
      },
    };
    const peer = new Peer(this.#around, host, id);
    this.#peers.set(id, peer);
    return peer;
  }

  #accept(link: Link): void {
    if (this.#around.isClosing || this.#strangers >= this.#around.settings.strangersMax) {
      return link.destroy();
    }
    this.#around.track(this.#meet(link));
  }

  async #meet(link: Link): Promise<void> {
    this.#strangers++;
    const heard = await hear(this.#around, link).finally(() => this.#strangers--);
    if (heard === undefined || this.#around.isClosing) return link.destroy();
    const { frames, theirs } = heard;
    const refusal = "from" in theirs ? judge(this.#around, theirs) : theirs;
    if (refusal !== undefined) return refuse(this.#around, link, refusal);
    const hello = theirs as Hello;
    const meeting = { link, frames, theirs: hello, name: hello.link };
    if (hello.purpose === "messages") {
      const crossed = this.#welcome(meeting);
      if (crossed !== undefined) refuse(this.#around, link, crossed);
      return;
    }
    welcome(this.#around, link, hello);
    await this.#snapshots.receive(meeting);
  }

  #welcome(meeting: Parameters<Peer["accept"]>[0]): Refusal | undefined {
    const peer = this.#peer(meeting.theirs.from);
    if (peer === undefined) return { kind: "busy", reason: "there are too many members" };
    return peer.accept(meeting);
  }

  stats(): PeerNetworkStats {
    let linksOpen = 0;
    for (const peer of this.#peers.values()) if (peer.isLinked) linksOpen++;
    return { ...this.#around.counts, linksOpen };
  }

  async close(): Promise<void> {
    this.#around.beginClosing();
    this.#snapshots.close();
    for (const peer of this.#peers.values()) peer.close();
    // Who cannot listen was told so by `start`.
    const listener = await this.#listening?.catch(() => undefined);
    await listener?.close();
    await this.#around.ended();
  }
}
