// A socket that is listened on. It takes connections up to a limit, and shows each the way to the
// filter chain that wants it (arrival.ts).
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "@compendium/runtime";
import type { ListenerConfig } from "../config/listener-config.ts";
import { noFailures } from "../tls/handshakes.ts";
import { Arrival, type HandshakeNumbers, type ListenerNumbers } from "./arrival.ts";
import type { ChainSet } from "./chain-set.ts";

/** One address. */
export class Listener {
  readonly numbers: ListenerNumbers = {
    accepted: 0,
    active: 0,
    overflows: 0,
    handshakeTimeouts: 0,
    noChain: 0,
  };
  readonly handshakes: HandshakeNumbers = { completed: 0, failed: noFailures() };
  readonly #clock: Clock;
  readonly #chains: ChainSet;
  readonly #server: Server;
  #config: ListenerConfig;

  constructor(config: ListenerConfig, clock: Clock, chains: ChainSet) {
    this.#config = config;
    this.#clock = clock;
    this.#chains = chains;
    // Half-open: TCP's two directions end on their own, and a tunnel carries that on.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#onSocket(socket),
    );
  }

  /** As it is in force. */
  get config(): ListenerConfig {
    return this.#config;
  }

  /** Takes other limits, for connections to come; the address stays. */
  update(config: ListenerConfig): void {
    this.#config = config;
  }

  /** Begins to listen; the port that it got, for a configured 0. */
  listen(): Promise<number> {
    const { address, port } = this.config;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: address, port }, () => {
        this.#server.off("error", reject);
        const bound = this.#server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : port);
      });
    });
  }

  /** Takes no more connections; those that are open stay. */
  close(): void {
    this.#server.close();
  }

  #onSocket(socket: Socket): void {
    const { numbers, handshakes } = this;
    const { connectionsMax, handshakeTimeoutMs: timeoutMs } = this.#config;
    if (numbers.active >= connectionsMax) {
      numbers.overflows++;
      socket.destroy();
      return;
    }
    numbers.accepted++;
    numbers.active++;
    socket.once("close", () => numbers.active--);
    // A client that resets before anyone listens would end the process.
    socket.on("error", () => socket.destroy());
    const chains = this.#chains.table;
    new Arrival(socket, { chains, clock: this.#clock, timeoutMs, numbers, handshakes }).start();
  }
}
