// A network that counts what a member sends, and can lose some of it on purpose.
import type { Message, MessageType } from "@compendium/raft";
import type {
  PeerIdentity,
  PeerNetwork,
  PeerNetworkStats,
  PeerReceiver,
} from "../../src/net/peer-network.ts";

/** What all members of a group have sent. */
export class Traffic {
  messages = 0;
  /** The bytes of commands and snapshots in them. */
  bytes = 0;
  readonly #byType = new Map<MessageType, number>();
  /** Messages for which it says so are lost on their way. */
  isLost: (message: Message) => boolean = () => false;

  count(message: Message): void {
    this.messages++;
    for (const { data } of message.entries) this.bytes += data.length;
    this.bytes += message.snapshot?.data.length ?? 0;
    this.#byType.set(message.type, this.of(message.type) + 1);
  }

  /** How many of that type. */
  of(type: MessageType): number {
    return this.#byType.get(type) ?? 0;
  }
}

/** Another network, counted. */
export class CountingNetwork implements PeerNetwork {
  readonly #network: PeerNetwork;
  readonly #traffic: Traffic;
  /** Whether it was closed. */
  isClosed = false;

  constructor(network: PeerNetwork, traffic: Traffic) {
    this.#network = network;
    this.#traffic = traffic;
  }

  start(self: PeerIdentity, receiver: PeerReceiver): Promise<void> {
    return this.#network.start(self, receiver);
  }

  setPeers(addresses: ReadonlyMap<number, string>): void {
    this.#network.setPeers(addresses);
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) this.#traffic.count(message);
    this.#network.send(messages.filter((message) => !this.#traffic.isLost(message)));
  }

  stats(): PeerNetworkStats {
    return this.#network.stats();
  }

  close(): Promise<void> {
    this.isClosed = true;
    return this.#network.close();
  }
}
