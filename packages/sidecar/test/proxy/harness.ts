// A proxy in this process, real sockets before and behind it, and the least configuration that
// works: one listener, one virtual host, one cluster.
import type { AddressInfo } from "node:net";
import { NodeCodec } from "../../src/codec/node/node-codec.ts";
import type { ClusterConfig } from "../../src/config/cluster-config.ts";
import type { HttpConfig, ListenerConfig } from "../../src/config/listener-config.ts";
import type { ForwardAction, RouteConfig } from "../../src/config/route-config.ts";
import type { Snapshot } from "../../src/config/snapshot.ts";
import { DataPlane, type DataPlaneOptions } from "../../src/listener/data-plane.ts";
import { clusterConfig, endpoint, locality } from "../cluster/config.ts";

export interface ProxyOptions extends Partial<Omit<DataPlaneOptions, "codec">> {
  readonly upstreamPorts: readonly number[];
  readonly codec?: NodeCodec;
  readonly http?: Partial<HttpConfig>;
  readonly cluster?: Partial<ClusterConfig>;
  readonly action?: Partial<Omit<ForwardAction, "kind">>;
  readonly listener?: Partial<ListenerConfig>;
}

export interface RunningProxy extends AsyncDisposable {
  readonly port: number;
  readonly plane: DataPlane;
  readonly codec: NodeCodec;
}

export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const codec = options.codec ?? new NodeCodec(options.clock ? { clock: options.clock } : {});
  const plane = new DataPlane({ ...options, codec });
  await plane.apply(snapshotOf(options));
  return {
    port: plane.portOf("in")!,
    plane,
    codec,
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

export function snapshotOf(options: ProxyOptions): Snapshot {
  const listener: ListenerConfig = {
    name: "in",
    address: "127.0.0.1",
    port: 0,
    connectionsMax: 10_000,
    handshakeTimeoutMs: 10_000,
    filterChains: [
      {
        name: "http",
        match: { serverNames: [], applicationProtocols: [] },
        tls: undefined,
        connectionsMax: undefined,
        filter: httpConfig(options),
      },
    ],
    ...options.listener,
  };
  const endpoints = options.upstreamPorts.map((port) => endpoint("127.0.0.1", { port }));
  const cluster = clusterConfig({ endpoints: [locality(endpoints)], ...options.cluster });
  return {
    version: "test",
    listeners: new Map([["in", listener]]),
    clusters: new Map([[cluster.name, cluster]]),
    admin: undefined,
  };
}

const noEdits = { request: [], response: [] };

function httpConfig({ http, action }: ProxyOptions): HttpConfig {
  return {
    kind: "http",
    statPrefix: "in",
    codec: "auto",
    virtualHosts: [
      { name: "all", domains: ["*"], requiresTls: false, routes: [forwardRoute(action)] },
    ],
    ignoresPort: true,
    filters: [],
    accessLogs: [],
    timers: {
      idleTimeoutMs: 3_600_000,
      streamIdleTimeoutMs: 300_000,
      requestTimeoutMs: 0,
      requestHeadersTimeoutMs: 10_000,
      drainTimeoutMs: 5_000,
      connectionLifetimeMs: 0,
      streamLifetimeMs: 0,
    },
    limits: {
      headersBytesMax: 61_440,
      headersMax: 100,
      concurrentStreamsMax: 100,
      requestsPerConnectionMax: 0,
      bufferBytesMax: 1_048_576,
    },
    trustedHops: 0,
    usesRemoteAddress: true,
    appendsForwardedFor: true,
    generatesRequestId: false,
    keepsRequestId: true,
    via: "test",
    path: { normalize: true, mergeSlashes: false, escapedSlashes: "keep" },
    upgrades: ["websocket"],
    serverName: "test",
    serverHeader: "pass-through",
    ...http,
  };
}

/** Everything to the one cluster. */
export function forwardRoute(more: Partial<Omit<ForwardAction, "kind">> = {}): RouteConfig {
  const clusters = [{ cluster: "backend", weight: 1, headers: noEdits, subset: {} }];
  return {
    name: "everything",
    match: {
      path: { kind: "prefix", value: "/" },
      ignoreCase: false,
      headers: [],
      query: [],
      fraction: undefined,
      grpcOnly: false,
    },
    action: {
      kind: "forward",
      clusters,
      clusterHeader: undefined,
      rewrite: undefined,
      hostRewrite: undefined,
      timeoutMs: 0,
      idleTimeoutMs: undefined,
      grpcTimeoutMsMax: undefined,
      retry: undefined,
      hedge: undefined,
      mirrors: [],
      subset: {},
      hash: [],
      priority: "default",
      upgrades: undefined,
      ...more,
    },
    headers: noEdits,
    filters: new Map(),
  };
}

/** Listens on a free port of this machine's own. */
export function listenOn(server: {
  listen(port: number, host: string, listener: () => void): unknown;
  address(): AddressInfo | string | null;
}): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
