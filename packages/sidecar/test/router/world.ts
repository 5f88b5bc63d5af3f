// A proxy without sockets, on a clock that a test moves: the router as it is, with its exchanges,
// calls and breakers, between clients and an upstream that are the test's (peers.ts).
import assert from "node:assert/strict";
import { ManualClock, type Random, SeededRandom } from "@compendium/runtime";
import type { PeerInfo, RequestHead, ServerConnection } from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import type { ClusterConfig, Thresholds } from "../../src/config/cluster-config.ts";
import type { HttpConfig, ListenerConfig } from "../../src/config/listener-config.ts";
import type { ForwardAction, RetryConfig, RouteConfig } from "../../src/config/route-config.ts";
import type { FilterFactory } from "../../src/filters/filter-chain.ts";
import type { Exchange, ExchangeNumbers } from "../../src/router/exchange.ts";
import type { RequestObserver } from "../../src/router/observer.ts";
import type { RequestInfo } from "../../src/router/request-info.ts";
import type { CallNumbers } from "../../src/router/upstream-call.ts";
import type { PoolEvents } from "../../src/upstream/connection-pool.ts";
import type { UpstreamCluster } from "../../src/upstream/upstream-cluster.ts";
import { clusterConfig, endpoint, locality } from "../cluster/config.ts";
import { forwardRoute, snapshotOf } from "../proxy/harness.ts";
import { ClientSide, UpstreamSide } from "./peers.ts";
import type { Subject } from "./subject.ts";

export const policy = (more: Partial<RetryConfig> = {}): RetryConfig => ({
  on: new Set(["5xx"]),
  statusCodes: new Set(),
  retries: 1,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  backoff: { baseMs: 25, maxMs: 250 },
  retryAfterMsMax: 0,
  hostSelectionAttempts: 0,
  ...more,
});

export interface WorldOptions {
  readonly action?: Partial<Omit<ForwardAction, "kind">>;
  readonly route?: Partial<RouteConfig>;
  readonly http?: Partial<HttpConfig>;
  readonly cluster?: Partial<ClusterConfig>;
  readonly breakers?: Partial<Thresholds>;
  readonly hosts?: number;
  /** What becomes of each attempt; default: it is connected at once. */
  readonly behave?: (attempt: UpstreamSide, number: number) => void;
  readonly makeFilter?: FilterFactory;
  readonly random?: Random;
  readonly observer?: RequestObserver;
}

export interface RequestOptions extends Partial<Omit<RequestHead, "fields">> {
  readonly fields?: readonly string[];
  /** "": the request ends with its head; `undefined`: it goes on. */
  readonly body?: string | undefined;
  readonly peer?: Partial<PeerInfo>;
}

/** A request, from the client's side. */
export interface TestClient extends ClientSide {
  readonly exchange: Exchange;
  readonly info: RequestInfo;
}

interface Upstream {
  readonly cluster: InstanceType<Subject["cluster"]["Cluster"]>;
  readonly calls: CallNumbers;
}

const peer: PeerInfo = {
  remoteAddress: "192.0.2.1",
  remotePort: 50_000,
  localAddress: "192.0.2.2",
  localPort: 8080,
  tls: undefined,
};

export class World {
  readonly clock = new ManualClock();
  readonly attempts: UpstreamSide[] = [];
  /** In the order in which they ended. */
  readonly ended: RequestInfo[] = [];
  readonly numbers: ExchangeNumbers = {
    active: 0,
    requests: 0,
    cancelled: 0,
    failures: 0,
    idleTimeouts: 0,
  };
  readonly failed: string[] = [];
  readonly http: HttpConfig;
  readonly #subject: Subject;
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #router: InstanceType<Subject["router"]["RequestRouter"]>;
  readonly #upstreams = new Map<string, Upstream>();
  // Heads that were sent on, of attempts whose end was not told.
  readonly #sent = new Set<RequestHead>();

  constructor(subject: Subject, options: WorldOptions = {}) {
    this.#subject = subject;
    this.#options = options;
    this.#random = options.random ?? new SeededRandom(1);
    this.http = httpOf(options);
    const { random, clock } = { random: this.#random, clock: this.clock };
    const filters = new subject.chain.FilterChain({
      filters: this.http.filters,
      overrides: [],
      make: options.makeFilter ?? (() => assert.fail("no filters here")),
    });
    const config = this.http;
    const clusterOf = (name: string) => this.#clusterOf(name);
    this.#router = new subject.router.RequestRouter({ config, filters, clusterOf, clock, random });
  }

  /** The attempt that began last. */
  get last(): UpstreamSide {
    return this.attempts.at(-1) ?? assert.fail("no attempt");
  }

  get calls(): CallNumbers {
    return this.upstream().calls;
  }

  get cluster(): Upstream["cluster"] {
    return this.upstream().cluster;
  }

  upstream(name = "backend"): Upstream {
    this.#clusterOf(name);
    return this.#upstreams.get(name) ?? assert.fail(`no cluster ${name}`);
  }

  /** A client begins a request. */
  request(options: RequestOptions = {}): TestClient {
    const { fields = [], body = "", peer: from, ...more } = { body: "", ...options };
    const connection = { peer: { ...peer, ...from } } as ServerConnection;
    const stream = new ClientSide(connection);
    const info = new this.#subject.info.RequestInfo(connection.peer, this.clock);
    const look: RequestObserver = {
      onForward: (_info, head) => void this.#sent.add(head),
      onAttemptEnd: (_info, head) => assert.ok(this.#sent.delete(head), "ended without a head"),
      onEnd: (ended) => void this.ended.push(ended),
    };
    const exchange = new this.#subject.exchange.Exchange(stream, {
      clock: this.clock,
      random: this.#random,
      numbers: this.numbers,
      decider: this.#router,
      observers: [look, ...(this.#options.observer ? [this.#options.observer] : [])],
      info,
      requestTimeoutMs: this.http.timers.requestTimeoutMs,
      lifetimeMs: this.http.timers.streamLifetimeMs,
    });
    const head: RequestHead = {
      method: "GET",
      scheme: "http",
      authority: "a.example",
      path: "/",
      protocol: "http/1.1",
      upgrade: undefined,
      ...more,
      fields: new Fields([...fields]),
    };
    const client = Object.assign(stream, { exchange, info });
    exchange.onHead(head, "body" in options ? options.body === "" : true);
    if (body) exchange.onData(Buffer.from(body), true);
    return client;
  }

  /** Nothing is under way any more, and nobody has kept anything. */
  assertSettled(): void {
    const { active } = this.numbers;
    const timers = this.clock.pendingTimers;
    const left: Record<string, number> = { active, timers, attempts: this.#sent.size };
    for (const [name, { cluster }] of this.#upstreams) {
      for (const priority of ["default", "high"] as const) {
        for (const resource of ["connections", "pending", "requests", "retries"] as const) {
          left[`${name} ${priority} ${resource}`] = cluster.breakers[priority].active(resource);
        }
      }
      for (const host of cluster.hosts.hosts()) {
        left[`${name} ${host.address}`] = host.numbers.activeRequests;
      }
    }
    const kept = Object.entries(left).filter(([, count]) => count !== 0);
    assert.deepEqual(kept, []);
    assert.equal(this.ended.length, this.numbers.requests);
    for (const attempt of this.attempts) {
      const isWhole = attempt.hasEnded && attempt.hasAnswered;
      const isOver = attempt.head === undefined || isWhole || !attempt.isLive;
      assert.ok(isOver, "an attempt was left behind");
    }
  }

  #clusterOf(name: string): UpstreamCluster | undefined {
    if (name === "none") return undefined;
    let known = this.#upstreams.get(name);
    if (known === undefined) {
      known = this.#makeCluster(name);
      this.#upstreams.set(name, known);
    }
    return known as unknown as UpstreamCluster;
  }

  #makeCluster(name: string): Upstream {
    const { hosts = 1, breakers, cluster: more } = this.#options;
    const names = Array.from({ length: hosts }, (_, i) => endpoint(`${name}-${i}`));
    const base = clusterConfig({ name, endpoints: [locality(names)], ...more });
    const thresholds = { ...base.breakers.default, ...breakers };
    const cluster = new this.#subject.cluster.Cluster({
      config: { ...base, breakers: { default: thresholds, high: thresholds } },
      clock: this.clock,
      random: this.#random,
    });
    const made = {
      cluster,
      calls: this.#subject.calls.noCalls(),
      failHealth: ({ address }: { readonly address: string }) => this.failed.push(address),
      choose: (context: object, _protocol: string, priority: "default" | "high" = "default") => {
        const host = cluster.choose(context);
        if (host === undefined) return undefined;
        const acquire = (events: PoolEvents, isFresh: boolean): Disposable => {
          return this.#acquire(host.address, isFresh, events);
        };
        return { host, pool: { acquire }, cluster, breakers: cluster.breakers[priority] };
      },
    };
    return made;
  }

  #acquire(address: string, isFresh: boolean, events: PoolEvents): Disposable {
    const attempt = new UpstreamSide(address, isFresh, events, this.clock.now());
    const number = this.attempts.push(attempt) - 1;
    const { behave = (each: UpstreamSide) => each.connect() } = this.#options;
    behave(attempt, number);
    return {
      [Symbol.dispose]: () => {
        attempt.isForgotten ||= attempt.head === undefined;
      },
    };
  }
}

function httpOf({ http, action, route }: WorldOptions): HttpConfig {
  const plain = forwardRoute(action);
  const routes = [{ ...plain, ...route }];
  const virtualHosts = [{ name: "all", domains: ["*"], requiresTls: false, routes }];
  const { listeners } = snapshotOf({ upstreamPorts: [], http: { virtualHosts, ...http } });
  const { filterChains } = [...listeners.values()][0] as ListenerConfig;
  return filterChains[0]?.filter as HttpConfig;
}
