// A socket that is listened on. It takes connections up to a limit, and shows each the way to the
// filter chain that wants it (arrival.ts). Until it is told to admit them it lets them wait: it is
// listened on before the configuration that asks for it is in force.
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "@compendium/runtime";
import type { ListenerConfig } from "../config/listener-config.ts";
import { noFailures } from "../tls/handshakes.ts";
import { Arrival, type HandshakeNumbers, type ListenerNumbers } from "./arrival.ts";
import type { ChainSet } from "./chain-set.ts";

/** What a listener is made of. */
export interface ListenerOptions {
  readonly clock: Clock;
  readonly chains: ChainSet;
  /** Whether other processes may listen there too. */
  readonly reusePort: boolean;
}

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
  readonly #options: ListenerOptions;
  readonly #server: Server;
  // Those that are open, wherever on their way they are. Invariant: as many as numbers.active.
  readonly #sockets = new Set<Socket>();
  #config: ListenerConfig;
  #isAdmitting = false;

  constructor(config: ListenerConfig, options: ListenerOptions) {
    this.#config = config;
    this.#options = options;
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

  /** Begins to listen; the port that it got, for a configured 0. Who connects has to wait. */
  listen(): Promise<number> {
    const { address, port } = this.config;
    const { reusePort } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: address, port, reusePort }, () => {
        this.#server.off("error", reject);
        const bound = this.#server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : port);
      });
    });
  }

  /** Lets in those who wait, and from now on whoever comes. */
  admit(): void {
    this.#isAdmitting = true;
    for (const socket of this.#sockets) if (!socket.destroyed) this.#arrive(socket);
  }

  /** Takes no more connections; those that are open stay. */
  close(): void {
    this.#server.close();
  }

  /** Ends all connections, also those that no filter chain knows of yet. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #onSocket(socket: Socket): void {
    const { numbers } = this;
    if (numbers.active >= this.#config.connectionsMax) {
      numbers.overflows++;
      socket.destroy();
      return;
    }
    numbers.accepted++;
    numbers.active++;
    this.#sockets.add(socket);
    socket.once("close", () => {
      numbers.active--;
      this.#sockets.delete(socket);
    });
    // A client that resets before anyone listens would end the process.
    socket.on("error", () => socket.destroy());
    if (this.#isAdmitting) this.#arrive(socket);
  }

  #arrive(socket: Socket): void {
    const { numbers, handshakes } = this;
    const { handshakeTimeoutMs: timeoutMs } = this.#config;
    const { clock, chains } = this.#options;
    new Arrival(socket, { chains: chains.table, clock, timeoutMs, numbers, handshakes }).start();
  }
}
