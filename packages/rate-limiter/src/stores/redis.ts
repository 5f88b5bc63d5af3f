// Decisions made by a Redis server. All that is asked within one turn of the event loop, and
// belongs to one slot, travels in one EVALSHA: a busy process pays for a round trip, and for what a
// client costs, once per turn and not once per request.
//
//     take ─┐                                            ┌─▶ reply
//     take ─┼─▶ batch (turn, slot) ─▶ EVALSHA ─▶ answer ─┼─▶ reply
//     take ─┘                                            └─▶ reply
//
// What is sent is sent once. ioredis, left to itself, sends commands again after a connection was
// lost, and a server that had executed them would charge twice: so the store has a connection of
// its own, on which nothing is repeated, and nothing waits to be sent later (but for a node of a
// cluster that is just being connected to). A MOVED, an ASK or a NOSCRIPT is repeated: then nothing
// has been executed. A lost answer is a failure, and whoever must know asks again with an
// idempotency key.
//
// No decision takes longer than `timeoutMs`: not on a server that is stopped, nor on a network that
// swallows packets. While a server is known not to answer, it is not asked.

import { Histogram } from "@compendium/metrics";
import { type Clock, systemClock } from "@compendium/runtime";
import type { Cluster, Redis } from "ioredis";
import { RateLimiterError, type RateLimiterErrorCode } from "../errors.ts";
import { makeScript, type Script } from "../lua/script.ts";
import { checkWhole, show } from "../rule-options.ts";
import type { RedisStoreStats } from "../stats.ts";
import { Batch } from "./batch.ts";
import { hashSlot } from "./hash-slot.ts";
import type { Reply, Request } from "./redis-protocol.ts";

/** Options of {@link RedisStore}. */
export interface RedisStoreOptions {
  /** What all keys begin with. Letters, digits and `:._-`; default `"limit"`. */
  prefix?: string;
  /** How long a decision may take, in ms. A whole number from 1 to 60,000; default 100. */
  timeoutMs?: number;
  /** The most decisions in one call. A whole number from 1 to 1,000; default 256. */
  batchMax?: number;
  /** Calls that may be unanswered; beyond, decisions fail at once. From 1; default 1,000. */
  callsMax?: number;
  /** Default: the process's monotonic clock. */
  clock?: Clock;
  /** The script, for tests that bring their own time. */
  script?: Script;
}

const CALL_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
];
// A connection that has been silent for this many timeouts is given up.
const TIMEOUTS_TO_RECONNECT = 10;
const RECONNECT_MS_MIN = 1000;
const PREFIX = /^[\w:.-]{1,64}$/;

/** A Redis server or cluster that decides. Share one between all limiters of a process. */
export class RedisStore implements AsyncDisposable {
  /** What all keys begin with. */
  readonly prefix: string;
  /** How long a decision may take. */
  readonly timeoutMs: number;
  readonly #client: Redis | Cluster;
  readonly #clock: Clock;
  readonly #script: Script;
  readonly #batchMax: number;
  readonly #callsMax: number;
  // Batches of this turn, by slot; those that are full; those that wait for the first connection.
  readonly #open = new Map<number, Batch>();
  readonly #full: Batch[] = [];
  readonly #held = new Set<Batch>();
  // Invariant: in the order in which they were sent.
  readonly #unanswered = new Set<Batch>();
  // Nodes that are known not to answer, with the call that has waited for longest.
  readonly #silent = new Map<string, Batch>();
  #isScheduled = false;
  #isClosed = false;
  #connected = false;
  #lastError: Error | undefined;
  #calls = 0;
  #decisions = 0;
  #scriptLoads = 0;
  readonly #failures: Record<RateLimiterErrorCode, number> = {
    STORE_TIMEOUT: 0,
    STORE_LOST: 0,
    STORE_UNAVAILABLE: 0,
    STORE_ERROR: 0,
    STORE_CLOSED: 0,
  };
  readonly #callSeconds = new Histogram(CALL_SECONDS);

  /**
   * @param client says where and how to connect; the store duplicates it, and closes only its own
   * @throws RangeError for options out of range
   * @throws TypeError when `client` is no ioredis client
   */
  constructor(client: Redis | Cluster, options: RedisStoreOptions = {}) {
    const { prefix = "limit", timeoutMs = 100, batchMax = 256, callsMax = 1000 } = options;
    if (typeof client?.duplicate !== "function") {
      throw new TypeError(`client must be a Redis or a Cluster of ioredis, got ${show(client)}`);
    }
    if (typeof prefix !== "string" || !PREFIX.test(prefix)) {
      throw new RangeError(
        `prefix must be 1 to 64 ASCII letters, digits or ":._-", got ${show(prefix)}`,
      );
    }
    checkWhole("timeoutMs", timeoutMs, 1, 60_000);
    checkWhole("batchMax", batchMax, 1, 1000);
    checkWhole("callsMax", callsMax, 1, Number.MAX_SAFE_INTEGER);
    this.prefix = prefix;
    this.timeoutMs = timeoutMs;
    this.#batchMax = batchMax;
    this.#callsMax = callsMax;
    this.#clock = options.clock ?? systemClock;
    this.#script = options.script ?? makeScript();
    this.#client = connectOnce(client);
    this.#client.on("error", (error: Error) => {
      this.#lastError = error;
      if (!this.#connected) this.#failHeld();
    });
    this.#client.on("ready", () => this.#sendHeld());
  }

  /** Whether there is a connection to be asked on. */
  get isReady(): boolean {
    return this.#client.status === "ready" && !this.#isClosed;
  }

  /**
   * Asks for a decision. Rejects with a {@link RateLimiterError} within `timeoutMs` if there is
   * none.
   */
  decide(request: Request): Promise<Reply> {
    this.#decisions++;
    const slot = this.#client.isCluster ? hashSlot(request.tag) : 0;
    const refusal = this.#refusal(slot);
    if (refusal !== undefined) return Promise.reject(this.#failed(refusal, 1));
    return new Promise((resolve, reject) => {
      this.#batchFor(slot).add(request, resolve, reject);
    });
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): RedisStoreStats {
    return {
      calls: this.#calls,
      decisions: this.#decisions,
      callsUnanswered: this.#unanswered.size,
      scriptLoads: this.#scriptLoads,
      failures: { ...this.#failures },
      callSeconds: this.#callSeconds.snapshot(),
    };
  }

  /** Fails what is not answered, and closes the store's connection. Later decisions fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const batches = [...this.#open.values(), ...this.#full, ...this.#held, ...this.#unanswered];
    for (const batch of batches) this.#fail(batch, this.#closed());
    this.#open.clear();
    this.#full.length = 0;
    this.#held.clear();
    this.#client.disconnect();
  }

  // Why a decision cannot even be asked for.
  #refusal(slot: number): RateLimiterError | undefined {
    if (this.#isClosed) return this.#closed();
    if (this.#client.status === "wait") this.#client.connect().catch(() => {});
    if (this.#client.status !== "ready" && (this.#connected || this.#lastError !== undefined)) {
      return this.#unavailable("there is no connection to the store");
    }
    if (this.#unanswered.size >= this.#callsMax) {
      return this.#unavailable(`${this.#callsMax} calls are unanswered`);
    }
    return this.#silence(slot);
  }

  // One connection answers in order: behind a call that has timed out, all others would. Of a
  // cluster, that is one node; the others are asked as before.
  #silence(slot: number): RateLimiterError | undefined {
    if (this.#silent.size === 0) return undefined;
    const node = this.#nodeOf(slot);
    const oldest = this.#silent.get(node);
    if (oldest === undefined) return undefined;
    const silentMs = this.#clock.now() - oldest.sentAtMs;
    if (silentMs > Math.max(RECONNECT_MS_MIN, TIMEOUTS_TO_RECONNECT * this.timeoutMs)) {
      this.#reconnect(node);
    }
    return this.#unavailable(`the store has been silent for ${Math.round(silentMs)} ms`);
  }

  // "host:port" of the node of a cluster that has the slot, as far as is known here.
  #nodeOf(slot: number): string {
    return this.#client.isCluster ? ((this.#client as Cluster).slots[slot]?.[0] ?? "") : "";
  }

  #reconnect(name: string): void {
    if (!this.#client.isCluster) return (this.#client as Redis).disconnect(true);
    const nodes = (this.#client as Cluster).nodes();
    const node = nodes.find(({ options: { host, port } }) => `${host}:${port}` === name);
    // What it had is failed, and the next call for it connects anew.
    if (node?.status === "ready") node.disconnect();
  }

  #batchFor(slot: number): Batch {
    const open = this.#open.get(slot);
    if (open !== undefined && open.size < this.#batchMax) return open;
    if (open !== undefined) this.#full.push(open);
    const batch = new Batch();
    batch.node = this.#nodeOf(slot);
    this.#open.set(slot, batch);
    if (!this.#isScheduled) setImmediate(this.#endOfTurn);
    this.#isScheduled = true;
    return batch;
  }

  readonly #endOfTurn = (): void => {
    this.#isScheduled = false;
    const batches = [...this.#full, ...this.#open.values()];
    this.#full.length = 0;
    this.#open.clear();
    for (const batch of batches) {
      batch.timer = this.#clock.setTimer(this.#clock.now() + this.timeoutMs, () => {
        // After a turn that took long, the answer may be there and not have been read yet.
        setImmediate(this.#timeOut, batch);
      });
      if (this.#client.status === "ready") void this.#send(batch);
      else if (!this.#connected && this.#lastError === undefined) this.#held.add(batch);
      else this.#fail(batch, this.#unavailable("there is no connection to the store"));
    }
  };

  readonly #timeOut = (batch: Batch): void => {
    this.#held.delete(batch);
    const message = `no answer from the store in ${this.timeoutMs} ms`;
    if (batch.hasEnded) return;
    if (this.#unanswered.has(batch) && !this.#silent.has(batch.node)) {
      this.#silent.set(batch.node, batch);
    }
    this.#fail(batch, new RateLimiterError("STORE_TIMEOUT", message));
  };

  #sendHeld(): void {
    this.#connected = true;
    this.#lastError = undefined;
    for (const batch of this.#held) void this.#send(batch);
    this.#held.clear();
  }

  #failHeld(): void {
    for (const batch of this.#held) {
      this.#fail(batch, this.#unavailable("there is no connection to the store"));
    }
    this.#held.clear();
  }

  async #send(batch: Batch): Promise<void> {
    this.#calls++;
    this.#unanswered.add(batch);
    batch.sentAtMs = this.#clock.now();
    try {
      const answer = await this.#call(batch);
      this.#callSeconds.observe((this.#clock.now() - batch.sentAtMs) / 1000);
      batch.answer(answer, (reason) => this.#failed(errorOf(reason), 1));
    } catch (cause) {
      const error = this.isReady
        ? new RateLimiterError("STORE_ERROR", messageOf(cause), { cause })
        : new RateLimiterError("STORE_LOST", "the connection to the store was lost", { cause });
      this.#fail(batch, error);
    } finally {
      this.#unanswered.delete(batch);
      if (this.#silent.get(batch.node) === batch) this.#silent.delete(batch.node);
    }
  }

  async #call(batch: Batch): Promise<unknown> {
    const { keys, rules, decisions } = batch.toArguments();
    const words = [keys.length, ...keys, rules, decisions];
    try {
      return await this.#client.callBuffer("evalsha", this.#script.sha1, ...words);
    } catch (error) {
      if (!messageOf(error).startsWith("NOSCRIPT")) throw error;
      // The server has never seen it, or was restarted; EVAL loads it for those who come after.
      this.#scriptLoads++;
      return this.#client.callBuffer("eval", this.#script.text, ...words);
    }
  }

  #fail(batch: Batch, error: RateLimiterError): void {
    this.#failed(error, batch.fail(error));
  }

  #failed(error: RateLimiterError, decisions: number): RateLimiterError {
    this.#failures[error.code] += decisions;
    return error;
  }

  #unavailable(message: string, cause: unknown = this.#lastError): RateLimiterError {
    return new RateLimiterError("STORE_UNAVAILABLE", message, { cause });
  }

  #closed(): RateLimiterError {
    return new RateLimiterError("STORE_CLOSED", "the store has been closed");
  }
}

// A connection like the client's, on which nothing is sent twice or late.
function connectOnce(client: Redis | Cluster): Redis | Cluster {
  const node = {
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: undefined,
    stringNumbers: false,
  };
  if (!client.isCluster) {
    const single = { ...node, enableOfflineQueue: false, enableAutoPipelining: false };
    return (client as Redis).duplicate(single);
  }
  const cluster = client as Cluster;
  const options = {
    redisOptions: { ...cluster.options.redisOptions, ...node },
    enableAutoPipelining: false,
    // A node that is being connected to, as after a MOVED, is sent what waits for it then.
    // (Without, ioredis refuses all that comes in that moment.)
    enableOfflineQueue: true,
    // 0: commands whose connection was closed are not sent again.
    retryDelayOnFailover: 0,
  };
  return cluster.duplicate([], options as Parameters<Cluster["duplicate"]>[1]);
}

function errorOf(reason: string): RateLimiterError {
  return new RateLimiterError("STORE_ERROR", reason);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
