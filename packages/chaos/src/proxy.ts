// The shell around connection.ts: one listening port, the connections behind it, and the faults
// that are in force for all of them. A client is pointed at the proxy instead of at the server;
// nothing else changes for either, and no privilege is needed. (The kernel's own tool is netem, "tc
// qdisc add … netem delay 100ms": S. Hemminger, "Network Emulation with NetEm", LCA 2005. It needs
// root and a module that many containers' kernels lack.)
//
// Faults are a state, not events: set() says what is in force from now on, twice the same is once,
// and {} heals everything. The idea of a proxy with faults per direction is Toxiproxy's (Shopify,
// 2014).
//
// Left out: UDP, TLS (it passes through untouched), and understanding what is carried: "fail every
// tenth request" belongs to a proxy that speaks HTTP.

import { createServer, type Server, Socket } from "node:net";
import { type Clock, SeededRandom, systemClock } from "@compendium/runtime";
import { Connection, type ConnectionTotals } from "./connection.ts";
import { ChaosError } from "./errors.ts";
import {
  type Faults,
  type FaultsPatch,
  type FaultsReading,
  patchFaults,
  problemError,
  readFaults,
} from "./faults.ts";
import { type Address, checkAddress, formatAddress, listenOn } from "./listen.ts";

/** Options of {@link FaultProxy.listen}. */
export interface FaultProxyOptions {
  /** The server behind the proxy. Its port must be in [1, 65535]. */
  upstream: Address;
  /** Where clients connect. Default 127.0.0.1 and a port that the system chooses. */
  listen?: Address;
  /** Draws the jitter; the same seed gives the n-th connection the same draws. Default 0. */
  seed?: number;
  /** In force from the first connection on. Default none. */
  faults?: Faults;
  /** The most bytes held per direction and connection, in [1, 2³⁰]. Default 262,144. */
  bufferBytesMax?: number;
  /** The most connections at once, in [1, 65,536]; one more is reset and counted. Default 1,024. */
  connectionsMax?: number;
  /** Default: the system's. A manual clock makes every delay virtual, on real sockets. */
  clock?: Clock;
  /** Gives up listening. It does not close a proxy that listens already. */
  signal?: AbortSignal;
}

/** What has gone through one direction. */
export interface DirectionStats {
  /** Bytes read from the sender. */
  bytesReceived: number;
  /** Bytes handed to the receiver's socket. */
  bytesDelivered: number;
  /** Bytes inside now: delayed, paced or in a blackhole. */
  bytesHeld: number;
}

/** What {@link FaultProxy.stats} tells; all but the gauges only grow. */
export interface FaultProxyStats {
  /** Open now. */
  connectionsOpen: number;
  /** Taken in since the start. */
  connectionsAccepted: number;
  /** Reset because `connectionsMax` were open. */
  connectionsOverLimit: number;
  /** Upstream did not answer the dial. */
  dialFailures: number;
  /** Connections reset by a fault or by {@link FaultProxy.resetConnections}. */
  resets: number;
  /** Client → server. */
  upstream: DirectionStats;
  /** Server → client. */
  downstream: DirectionStats;
}

/**
 * A TCP proxy whose network can be broken while it runs.
 *
 * @example
 * ```ts
 * await using proxy = await FaultProxy.listen({ upstream: { port: 8080 } });
 * await proxy.set({ downstream: { latencyMs: 200, jitterMs: 50 } });
 * await proxy.heal();
 * ```
 */
export class FaultProxy implements AsyncDisposable {
  readonly #upstream: Required<Address>;
  readonly #bufferBytesMax: number;
  readonly #connectionsMax: number;
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #connections = new Map<Connection, { openedAtMs: number }>();
  readonly #totals: ConnectionTotals = {
    upstream: { bytesReceived: 0, bytesDelivered: 0 },
    downstream: { bytesReceived: 0, bytesDelivered: 0 },
    dialFailures: 0,
    resets: 0,
  };
  #accepted = 0;
  #overLimit = 0;

  #faults: Faults = {};
  #resetSinceMs = 0;

  #address: Required<Address>;
  // Undefined while connections are refused.
  #server: Server | undefined;
  // Opening and closing the port takes turns: one step at a time, the last wish wins.
  #portSteps: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #onLastClosed: (() => void) | undefined;

  private constructor(options: FaultProxyOptions) {
    this.#upstream = checkAddress("upstream", options.upstream, 1);
    this.#address = checkAddress("listen", options.listen ?? { port: 0 }, 0);
    this.#bufferBytesMax = limit("bufferBytesMax", options.bufferBytesMax ?? 262_144, 2 ** 30);
    this.#connectionsMax = limit("connectionsMax", options.connectionsMax ?? 1_024, 65_536);
    this.#clock = options.clock ?? systemClock;
    this.#random = new SeededRandom(options.seed ?? 0);
  }

  /**
   * Opens the port and resolves once clients can connect (or, with `refuse`, cannot).
   *
   * @throws RangeError or TypeError naming an option that is out of its range
   * @throws ChaosError `LISTEN_FAILED` when the port cannot be had
   */
  static async listen(options: FaultProxyOptions): Promise<FaultProxy> {
    const { faults: initial = {} } = options;
    const faults = faultsOf(readFaults(initial));
    const proxy = new FaultProxy(options);
    // Even a proxy that begins by refusing has to find its port first, and hold it for a moment.
    await proxy.#openPort(options.signal);
    await proxy.#apply(faults);
    return proxy;
  }

  /** Where clients connect; the port stays the same while connections are refused. */
  get address(): Required<Address> {
    return { ...this.#address };
  }

  /** The server behind the proxy. */
  get upstream(): Required<Address> {
    return { ...this.#upstream };
  }

  /** The faults in force. */
  get faults(): Faults {
    return structuredClone(this.#faults);
  }

  /**
   * Replaces all faults. They bind every open connection in this very turn; the promise waits only
   * for the port to open or close.
   *
   * @throws RangeError or TypeError naming the field; nothing has changed then
   * @throws ChaosError `LISTEN_FAILED` if the port was taken while connections were refused,
   *   `CLOSED` after disposal
   */
  async set(faults: Faults): Promise<void> {
    await this.#apply(faultsOf(readFaults(faults)));
  }

  /** Changes only what the patch names; null removes. Otherwise as {@link FaultProxy.set}. */
  async patch(patch: FaultsPatch): Promise<void> {
    await this.#apply(faultsOf(patchFaults(this.#faults, patch)));
  }

  /** Lifts every fault: `set({})`. Held bytes flow, in order. */
  async heal(): Promise<void> {
    await this.#apply({});
  }

  /** Resets every open connection once, now, and says how many there were. */
  resetConnections(): number {
    const connections = [...this.#connections.keys()];
    for (const connection of connections) connection.reset();
    return connections.length;
  }

  /** Plain numbers, in O(connections); changes nothing. */
  stats(): FaultProxyStats {
    const { upstream, downstream, dialFailures, resets } = this.#totals;
    const held = { upstream: 0, downstream: 0 };
    for (const connection of this.#connections.keys()) {
      held.upstream += connection.heldBytes.upstream;
      held.downstream += connection.heldBytes.downstream;
    }
    return {
      connectionsOpen: this.#connections.size,
      connectionsAccepted: this.#accepted,
      connectionsOverLimit: this.#overLimit,
      dialFailures,
      resets,
      upstream: { ...upstream, bytesHeld: held.upstream },
      downstream: { ...downstream, bytesHeld: held.downstream },
    };
  }

  /** Closes the port and every connection; resolves when no handle is left. Twice is once. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const connection of this.#connections.keys()) connection.destroy();
    await this.#stepPort();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onLastClosed = resolve;
    });
  }

  async #apply(faults: Faults): Promise<void> {
    if (this.#closed) {
      throw new ChaosError("CLOSED", `the proxy of ${formatAddress(this.#upstream)} is closed`);
    }
    const { reset } = this.#faults;
    if (faults.reset?.scope !== reset?.scope || faults.reset?.afterMs !== reset?.afterMs) {
      this.#resetSinceMs = this.#clock.now();
      for (const known of this.#connections.values()) known.openedAtMs = Number.NEGATIVE_INFINITY;
    }
    this.#faults = faults;
    for (const [connection, { openedAtMs }] of this.#connections) {
      connection.apply(faults, this.#resetAtMs(openedAtMs));
    }
    await this.#stepPort();
  }

  // -Infinity marks a connection that is older than the reset fault, even if by less than a tick.
  #resetAtMs(openedAtMs: number): number | undefined {
    const { reset } = this.#faults;
    const old = openedAtMs === Number.NEGATIVE_INFINITY;
    if (reset === undefined || (old && reset.scope === "new")) return undefined;
    return Math.max(this.#resetSinceMs, openedAtMs) + (reset.afterMs ?? 0);
  }

  readonly #accept = (client: Socket): void => {
    this.#accepted++;
    if (this.#connections.size >= this.#connectionsMax) {
      this.#overLimit++;
      client.on("error", () => {}).resetAndDestroy();
      return;
    }
    const server = new Socket({ allowHalfOpen: true });
    const connection = new Connection({
      client: client.setNoDelay(true),
      server,
      dial: () => server.setNoDelay(true).connect(this.#upstream),
      clock: this.#clock,
      random: this.#random.fork(),
      bufferBytesMax: this.#bufferBytesMax,
      totals: this.#totals,
      onClosed: () => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#onLastClosed?.();
      },
    });
    const openedAtMs = this.#clock.now();
    this.#connections.set(connection, { openedAtMs });
    connection.apply(this.#faults, this.#resetAtMs(openedAtMs));
  };

  #stepPort(): Promise<void> {
    const step = this.#portSteps.then(async () => {
      const wanted = !this.#closed && !this.#faults.refuse;
      if (wanted && !this.#server) await this.#openPort();
      else if (!wanted && this.#server) this.#closePort();
    });
    // A failed step is its caller's to hear of; the next one starts afresh.
    this.#portSteps = step.catch(() => {});
    return step;
  }

  async #openPort(signal?: AbortSignal): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, this.#accept);
    this.#address = await listenOn(server, this.#address, signal);
    server.on("error", () => {});
    this.#server = server;
  }

  #closePort(): void {
    // close() gives the port back at once; its callback would wait for open connections to end.
    this.#server?.close();
    this.#server = undefined;
  }
}

function faultsOf(reading: FaultsReading): Faults {
  if (reading.problem) throw problemError(reading.problem);
  return reading.faults;
}

function limit(option: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new RangeError(`${option} must be an integer in [1, ${max}], got ${value}`);
}
