// Messages without a link: each may be lost, come late, come twice, or overtake another, and nobody
// is told. This is the network of the papers on consensus, and the harshest that a protocol is
// commonly proven for. What is sent is handed over as it is, an object or bytes, so that a protocol
// can be tested before it has a wire format; a message must not be changed once it was sent.
//
// Addressed to a node, not to a process: who is sent something before a restart may receive it
// after.

import type { Process } from "../process.ts";
import type { TimeSource } from "../simulated-clock.ts";
import type { Network } from "./network.ts";

/** One process's access to a network without promises. */
export interface Datagrams {
  /** Sends and forgets. To a node that the world does not have, it throws a RangeError. */
  send(to: string, message: unknown): void;

  /** Has `handler` called with each message, from now on. The last one that was set counts. */
  receive(handler: (message: unknown, from: string) => void): void;
}

/** What datagrams need of the world around them. */
export interface DatagramHost {
  readonly time: TimeSource;
  readonly network: Network;
  /** The datagrams of the life that this node lives now. */
  datagramsOf(name: string): SimulatedDatagrams | undefined;
  has(name: string): boolean;
  /** Says what became of a message. */
  onMessage(fate: "sent" | "received" | "lost" | "cut" | "unheard", from: string, to: string): void;
}

/** The datagrams of one life. */
export class SimulatedDatagrams implements Datagrams {
  readonly #host: DatagramHost;
  readonly #process: Process;
  #handler: ((message: unknown, from: string) => void) | undefined;

  constructor(host: DatagramHost, process: Process) {
    this.#host = host;
    this.#process = process;
  }

  send(to: string, message: unknown): void {
    if (!this.#host.has(to)) throw new RangeError(`to must be a node of this world, got "${to}"`);
    const effect = this.#process.begin("datagram");
    if (effect === undefined) return;
    this.#send(to, message);
    effect.issued();
    effect.happened();
  }

  receive(handler: (message: unknown, from: string) => void): void {
    this.#handler = handler;
  }

  #send(to: string, message: unknown): void {
    const host = this.#host;
    const from = this.#process.name;
    const path = host.network.path(from, to);
    host.onMessage("sent", from, to);
    if (path.isCut) return host.onMessage("cut", from, to);
    if (path.isLost() || path.inFlight >= host.network.options.inFlightMax) {
      return host.onMessage("lost", from, to);
    }
    const copies = path.isDuplicated() ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      path.inFlight++;
      const atUs = path.arrivalUs(host.time.nowUs, host.network.options.fifo);
      host.time.schedule(atUs, undefined, () => {
        path.inFlight--;
        if (path.isCut) return host.onMessage("cut", from, to);
        const receiver = host.datagramsOf(to);
        if (receiver === undefined) return host.onMessage("unheard", from, to);
        receiver.#arrive(message, from);
      });
    }
  }

  #arrive(message: unknown, from: string): void {
    const host = this.#host;
    // A process that is paused finds it in its socket when it goes on.
    if (this.#process.paused) {
      host.time.schedule(host.time.nowUs, this.#process, () => this.#arrive(message, from));
      return;
    }
    const heard = this.#handler !== undefined;
    host.onMessage(heard ? "received" : "unheard", from, this.#process.name);
    this.#handler?.(message, from);
  }
}
