// Connections to one host. A request takes one that has room: the one that was used last, so that
// those which are not needed grow old and are closed (last in, first out; HTTP/2: the same one
// until its streams run out). Where none has room, one is opened as long as there may be more, and
// the request waits for whatever comes first: the new one, or an old one that is free again.
//
// A connection ends in one of three ways: its peer closes it, it has had its share of requests or
// of time, or its host has failed or left. The last two let what is under way on it end.
//
// Bounds: connections and waiting requests by the cluster's breakers. Reaching one is an outcome.
import type { Clock } from "@compendium/runtime";
import type { Breakers } from "../cluster/breakers.ts";
import type { Host } from "../cluster/host.ts";
import type { ClientCodec, ClientConnection, Protocol } from "../codec/codec.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";
import type { ConnectFailure, Connector } from "./connect.ts";

/** Why a request got no connection. */
export type PoolFailure = ConnectFailure | "overflow" | "closed";

/** What comes of asking for a connection, told once; a failure never from inside the asking. */
export interface PoolEvents {
  /** It has room now, and only now; `isReused`: a request has been on it before. */
  onReady(connection: ClientConnection, isReused: boolean): void;
  onFailed(failure: PoolFailure, detail: string): void;
}

/** What a pool counts. */
export interface PoolStats {
  readonly connections: number;
  readonly connecting: number;
  readonly waiting: number;
  readonly opened: number;
  readonly reused: number;
  readonly overflows: number;
}

interface Entry {
  readonly connection: ClientConnection;
  requests: number;
  /** It stands among those that have room. */
  isOffered: boolean;
  /** Of the connection's life. */
  timer: Disposable | undefined;
}

const isUnused = ({ requests, connection }: Entry): boolean =>
  requests === 0 && connection.capacity > 0;

interface Waiting {
  readonly events: PoolEvents;
  readonly isFresh: boolean;
}

// Of a request that has its connection already.
const noWish: Disposable = { [Symbol.dispose]() {} };

/** What a pool is made of. */
export interface PoolOptions {
  readonly host: Host;
  readonly config: ClusterConfig;
  readonly breakers: Breakers;
  readonly protocol: Protocol;
  readonly codec: ClientCodec;
  readonly connector: Connector;
  readonly clock: Pick<Clock, "now" | "setTimer">;
  /** A request has got a connection. */
  readonly onGiven: () => void;
  /** It was drained, and nothing is left in it now. */
  readonly onDrained: () => void;
}

/** The connections to one host by one protocol. */
export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #open = new Set<Entry>();
  // Invariant: those of #open that have room, the one that was given back last on top, and some
  // that have none any more.
  readonly #room: Entry[] = [];
  readonly #connecting = new Set<Disposable>();
  readonly #waiting = new Set<Waiting>();
  #opened = 0;
  #reused = 0;
  #overflows = 0;
  #isDraining = false;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Asks for a connection with room; disposing takes the wish back.
   *
   * @param isFresh a new one, that no request has been on
   */
  acquire(events: PoolEvents, isFresh = false): Disposable {
    const entry = this.#isClosed ? undefined : this.#withRoom(isFresh);
    if (entry !== undefined) {
      this.#give(entry, events);
      return noWish;
    }
    const waiting: Waiting = { events, isFresh };
    if (this.#isClosed) {
      this.#fail(waiting, "closed", "the pool is closed");
    } else if (!this.#options.breakers.take("pending")) {
      this.#overflows++;
      this.#fail(waiting, "overflow", "too many requests wait");
    } else {
      this.#waiting.add(waiting);
      this.#openMore();
    }
    return { [Symbol.dispose]: () => this.#stopWaiting(waiting) };
  }

  /**
   * Closes connections as they fall idle. Requests that have found this pool are still served,
   * those that wait as well: the configuration has changed behind them, and they must not notice.
   */
  drain(): void {
    this.#isDraining = true;
    this.drainConnections();
    this.#checkDrained();
  }

  /**
   * Closes the connections that there are as they fall idle; new ones take their place. For a host
   * that has failed: what was wrong may have been the way to it.
   */
  drainConnections(): void {
    for (const { connection } of [...this.#open]) connection.drain();
  }

  /** Ends everything now. */
  destroy(): void {
    this.#isClosed = true;
    for (const waiting of this.#waiting) this.#fail(waiting, "closed", "the pool is closed");
    for (const attempt of this.#connecting) {
      attempt[Symbol.dispose]();
      this.#options.breakers.give("connections");
    }
    this.#connecting.clear();
    for (const { connection } of [...this.#open]) connection.destroy();
  }

  /** Neither a connection nor a request is in it. */
  get isEmpty(): boolean {
    return this.#open.size + this.#connecting.size + this.#waiting.size === 0;
  }

  stats(): PoolStats {
    return {
      connections: this.#open.size,
      connecting: this.#connecting.size,
      waiting: this.#waiting.size,
      opened: this.#opened,
      reused: this.#reused,
      overflows: this.#overflows,
    };
  }

  readonly #serve = (): void => {
    for (const waiting of this.#waiting) {
      const entry = this.#withRoom(waiting.isFresh);
      if (entry === undefined) continue;
      this.#stopWaiting(waiting);
      this.#give(entry, waiting.events);
    }
    this.#openMore();
  };

  // The last that has room. Those above it that have none are taken away: they come back once they
  // have some again. So a request looks at one entry, however many connections are busy.
  #withRoom(isFresh: boolean): Entry | undefined {
    const room = this.#room;
    for (let entry = room.at(-1); entry !== undefined; entry = room.at(-1)) {
      if (entry.connection.capacity > 0) {
        return isFresh ? room.findLast(isUnused) : entry;
      }
      entry.isOffered = false;
      room.pop();
    }
    return undefined;
  }

  #offer(entry: Entry): void {
    if (!entry.isOffered) {
      entry.isOffered = true;
      this.#room.push(entry);
    }
    if (this.#waiting.size > 0) queueMicrotask(this.#serve);
  }

  #give(entry: Entry, events: PoolEvents): void {
    const { requestsPerConnectionMax } = this.#options.config;
    const isReused = entry.requests > 0;
    if (isReused) this.#reused++;
    entry.requests++;
    this.#options.onGiven();
    events.onReady(entry.connection, isReused);
    const isSpent = requestsPerConnectionMax > 0 && entry.requests >= requestsPerConnectionMax;
    if (isSpent || this.#isDraining) entry.connection.drain();
  }

  // One connection for each that waits, of HTTP/2 one for as many as it will carry.
  #openMore(): void {
    const { config, protocol } = this.#options;
    const streams = protocol === "h2" ? config.concurrentStreamsMax : 1;
    while (this.#waiting.size > this.#connecting.size * streams) {
      if (!this.#options.breakers.allows("connections")) this.#closeIdle();
      if (!this.#options.breakers.take("connections")) break;
      this.#connect();
    }
    if (this.#open.size + this.#connecting.size > 0) return;
    // Nothing will come free here: the connections that count against the breaker are elsewhere.
    for (const waiting of this.#waiting) {
      this.#overflows++;
      this.#fail(waiting, "overflow", "too many connections");
    }
  }

  // A fresh connection is wished for and idle ones fill the pool: the oldest goes.
  #closeIdle(): void {
    const idle = this.#room.find(({ connection }) => connection.streams === 0);
    if (idle === undefined) return;
    this.#forget(idle);
    idle.connection.destroy();
  }

  #connect(): void {
    const { host, config, protocol, codec, connector } = this.#options;
    this.#opened++;
    const attempt = connector.connect(host, protocol, config.connectTimeoutMs, {
      onConnected: (socket, peer, agreed) => {
        this.#connecting.delete(attempt);
        host.numbers.activeConnections++;
        const connection = codec.open(socket, peer, agreed, () => this.#offer(entry));
        const timer = this.#limitLife(connection);
        const entry: Entry = { connection, requests: 0, isOffered: true, timer };
        this.#open.add(entry);
        this.#room.push(entry);
        void connection.closed.then(() => this.#onClosed(entry));
        this.#serve();
        // Whoever it was opened for may be gone, and nobody would close it for an hour.
        if (this.#isDraining && entry.requests === 0) connection.drain();
      },
      onFailed: (failure, detail) => {
        this.#connecting.delete(attempt);
        this.#options.breakers.give("connections");
        // Who waits longest fails with it; the others have their own attempts.
        const [first] = this.#waiting;
        if (first) this.#fail(first, failure, detail);
        this.#openMore();
        this.#checkDrained();
      },
    });
    this.#connecting.add(attempt);
  }

  #limitLife(connection: ClientConnection): Disposable | undefined {
    const { clock, config } = this.#options;
    const { connectionLifetimeMs } = config;
    if (connectionLifetimeMs === undefined) return undefined;
    return clock.setTimer(clock.now() + connectionLifetimeMs, () => connection.drain());
  }

  #onClosed(entry: Entry): void {
    entry.timer?.[Symbol.dispose]();
    this.#options.host.numbers.activeConnections--;
    this.#options.breakers.give("connections");
    this.#forget(entry);
    if (!this.#isClosed) this.#serve();
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (this.#isDraining && this.isEmpty) this.#options.onDrained();
  }

  #forget(entry: Entry): void {
    this.#open.delete(entry);
    if (entry.isOffered) this.#room.splice(this.#room.indexOf(entry), 1);
    entry.isOffered = false;
  }

  #fail(waiting: Waiting, failure: PoolFailure, detail: string): void {
    this.#stopWaiting(waiting);
    queueMicrotask(() => waiting.events.onFailed(failure, detail));
  }

  #stopWaiting(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) this.#options.breakers.give("pending");
  }
}
