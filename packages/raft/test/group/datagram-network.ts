// The way to the other members over datagrams, which may be lost, late and out of order: harsher
// than links, and cheap to simulate. What is promised all the same is kept: a message arrives at
// most once, a member is asked who it is, and it is said what became of a snapshot.

import type { Message } from "@compendium/raft";
import type { World } from "@compendium/simulation";
import type {
  PeerIdentity,
  PeerNetwork,
  PeerNetworkStats,
  PeerReceiver,
} from "../../src/net/peer-network.ts";

type Datagram =
  | { kind: "raft"; from: PeerIdentity; name: string; number: number; message: Message }
  | { kind: "refusal"; from: number; reason: string }
  | { kind: "snapshot-arrived"; number: number };

const SNAPSHOT_TIMEOUT_MS = 500;
const SEEN_MAX = 4_096;

/** A network of members whose addresses are the names of nodes. */
export class DatagramNetwork implements PeerNetwork {
  readonly #world: World;
  readonly #onMessage: (message: Message) => void;
  #self: PeerIdentity = { id: 0, diskId: 0 };
  #receiver: PeerReceiver | undefined;
  // Also of those who have written without being known: a new member knows nobody.
  readonly #addresses = new Map<number, string>();
  #sent = 0;
  #received = 0;
  // What arrived, so that a duplicate is known: the newest of them.
  readonly #seen = new Set<string>();
  readonly #snapshots = new Map<number, { to: number; timer: Disposable }>();

  /** @param onMessage sees each message that arrives, before the member does */
  constructor(world: World, onMessage: (message: Message) => void) {
    this.#world = world;
    this.#onMessage = onMessage;
  }

  async start(self: PeerIdentity, receiver: PeerReceiver): Promise<void> {
    this.#self = self;
    this.#receiver = receiver;
  }

  setPeers(addresses: ReadonlyMap<number, string>): void {
    for (const [id, address] of addresses) this.#addresses.set(id, address);
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      const number = ++this.#sent;
      if (message.type === "snapshot") this.#expectSnapshot(message.to, number);
      const name = `${this.#world.name}.${this.#world.incarnation}.${number}`;
      this.#post(message.to, { kind: "raft", from: this.#self, name, number, message });
    }
  }

  #post(to: number, datagram: Datagram): void {
    const address = this.#addresses.get(to);
    if (address !== undefined) this.#world.datagrams.send(address, datagram);
  }

  #expectSnapshot(to: number, number: number): void {
    const { clock } = this.#world;
    const timer = clock.setTimer(clock.now() + SNAPSHOT_TIMEOUT_MS, () => {
      this.#snapshots.delete(number);
      this.#receiver?.snapshotSettled(to, false);
    });
    this.#snapshots.set(number, { to, timer });
  }

  /** What came for this member; false if it was something else. */
  take(received: unknown, sender: string): boolean {
    const datagram = received as Datagram;
    switch (datagram.kind) {
      case "raft":
        this.#addresses.set(datagram.from.id, sender);
        this.#takeMessage(datagram);
        return true;
      case "refusal":
        this.#receiver?.refused(datagram.from, datagram.reason);
        return true;
      case "snapshot-arrived": {
        const snapshot = this.#snapshots.get(datagram.number);
        this.#snapshots.delete(datagram.number);
        snapshot?.timer[Symbol.dispose]();
        if (snapshot !== undefined) this.#receiver?.snapshotSettled(snapshot.to, true);
        return true;
      }
      default:
        return false;
    }
  }

  #takeMessage({ from, name, number, message }: Datagram & { kind: "raft" }): void {
    if (this.#receiver === undefined) return;
    if (this.#seen.has(name)) return;
    this.#seen.add(name);
    if (this.#seen.size > SEEN_MAX) this.#seen.delete(this.#seen.values().next().value as string);
    const reason = this.#receiver.admit(from);
    if (reason !== undefined) {
      this.#post(from.id, { kind: "refusal", from: this.#self.id, reason });
      return;
    }
    this.#received++;
    this.#onMessage(message);
    if (message.type === "snapshot") {
      this.#post(from.id, { kind: "snapshot-arrived", number });
    }
    this.#receiver.receive(message);
  }

  stats(): PeerNetworkStats {
    return {
      messagesSent: this.#sent,
      messagesReceived: this.#received,
      messagesDropped: 0,
      bytesSent: 0,
      bytesReceived: 0,
      linksOpened: 0,
      linksOpen: 0,
      snapshotsSent: 0,
      snapshotsFailed: 0,
    };
  }

  async close(): Promise<void> {
    this.#receiver = undefined;
    for (const { timer } of this.#snapshots.values()) timer[Symbol.dispose]();
    this.#snapshots.clear();
  }
}
