// The HTTP connection manager: what a listener does with a connection that speaks HTTP. It makes
// streams of it, and for each request decides by the configuration of that moment: one normal path,
// a route, a cluster. A newer configuration is for requests that have not begun.

import type { Socket } from "node:net";
import type { Clock, Random } from "@compendium/runtime";
import type {
  Codec,
  PeerInfo,
  Protocol,
  RequestHead,
  ResponseHead,
  ServerCodec,
  ServerConnection,
  ServerStream,
} from "../codec/codec.ts";
import type { HttpConfig } from "../config/listener-config.ts";
import type { ForwardAction, RouteConfig, WeightedCluster } from "../config/route-config.ts";
import { PathNormalizer } from "../match/path-normalizer.ts";
import { redirectLocation, rewritePath } from "../match/rewrite.ts";
import { RouteTable } from "../match/route-table.ts";
import { type Decision, Exchange, type ExchangeNumbers } from "../router/exchange.ts";
import { addForwardingFields } from "../router/forwarding-fields.ts";
import type { UpstreamCluster } from "../upstream/upstream-cluster.ts";

/** What a connection manager is made of. */
export interface ConnectionManagerOptions {
  readonly codec: Codec;
  readonly clock: Clock;
  readonly random: Random;
  readonly clusterOf: (name: string) => UpstreamCluster | undefined;
}

/** HTTP on the connections of one filter chain. */
export class ConnectionManager {
  readonly numbers: ExchangeNumbers = {
    active: 0,
    requests: 0,
    repeated: 0,
    cancelled: 0,
    failures: 0,
  };
  readonly #options: ConnectionManagerOptions;
  readonly #connections = new Set<ServerConnection>();
  #config: HttpConfig;
  #routes: RouteTable;
  #paths: PathNormalizer;
  #server: ServerCodec;

  constructor(config: HttpConfig, options: ConnectionManagerOptions) {
    this.#options = options;
    this.#config = config;
    this.#routes = this.#tableOf(config);
    this.#paths = new PathNormalizer(config.path);
    this.#server = this.#codecOf(config);
  }

  get config(): HttpConfig {
    return this.#config;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Takes another configuration: limits for new connections, routes for new requests. */
  update(config: HttpConfig): void {
    this.#routes = this.#tableOf(config);
    this.#paths = new PathNormalizer(config.path);
    this.#server = this.#codecOf(config);
    this.#config = config;
  }

  /** Takes a socket whose TLS, if any, is done. */
  accept(socket: Socket, peer: PeerInfo, protocol: Protocol): void {
    const connection = this.#server.accept(socket, peer, protocol);
    this.#connections.add(connection);
    const lifetime = this.#limitLifetime(connection);
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      lifetime?.[Symbol.dispose]();
    });
  }

  /** Lets what is under way end, and takes no more requests. */
  drain(): void {
    for (const connection of this.#connections) connection.drain();
  }

  /** Ends everything now. */
  destroy(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  #limitLifetime(connection: ServerConnection): Disposable | undefined {
    const { connectionLifetimeMs } = this.#config.timers;
    if (connectionLifetimeMs === 0) return undefined;
    const { clock } = this.#options;
    return clock.setTimer(clock.now() + connectionLifetimeMs, () => connection.drain());
  }

  #tableOf({ virtualHosts, ignoresPort }: HttpConfig): RouteTable {
    return new RouteTable({ virtualHosts, ignoresPort, random: this.#options.random });
  }

  #codecOf({ limits, timers, upgrades }: HttpConfig): ServerCodec {
    const options = {
      ...limits,
      headersTimeoutMs: timers.requestHeadersTimeoutMs,
      idleTimeoutMs: timers.idleTimeoutMs,
      streamIdleTimeoutMs: timers.streamIdleTimeoutMs,
      upgrades: new Set(upgrades.map((name) => name.toLowerCase())),
    };
    const { clock, codec } = this.#options;
    return codec.server(options, (stream) => {
      const { requestTimeoutMs } = this.#config.timers;
      const { numbers } = this;
      return new Exchange(stream, {
        clock,
        numbers,
        requestTimeoutMs,
        decide: this.#decide,
        sign: this.#sign,
      });
    });
  }

  readonly #sign = ({ fields }: ResponseHead): void => {
    const { serverHeader, serverName } = this.#config;
    if (serverHeader === "overwrite") fields.set("server", serverName);
    else if (serverHeader === "append-if-absent" && !fields.has("server")) {
      fields.append("server", serverName);
    }
  };

  readonly #decide = (head: RequestHead, stream: ServerStream): Decision => {
    const normal = this.#paths.normalize(head.path);
    if (normal.kind === "refused") return reply(400, `the path is refused: ${normal.reason}`);
    if (normal.kind === "redirect") {
      return reply(307, "the normal form of the path", [["location", normal.path]]);
    }
    head.path = normal.path;
    if (stream.connection.peer.tls === undefined && this.#routes.virtualHostOf(head)?.requiresTls) {
      return reply(301, "moved", [["location", `https://${head.authority}${head.path}`]]);
    }
    const route = this.#routes.find(head)?.route;
    if (route === undefined) return reply(404, "no route");
    return this.#act(route, head, stream);
  };

  #act({ action, match }: RouteConfig, head: RequestHead, stream: ServerStream): Decision {
    switch (action.kind) {
      case "direct": {
        const { status, body } = action;
        const fields: (readonly [string, string])[] = [];
        action.fields.forEach((name, value) => void fields.push([name, value]));
        return { kind: "reply", reply: { status, text: "", body, fields } };
      }
      case "redirect":
        return reply(action.status, "moved", [["location", redirectLocation(action, match, head)]]);
      case "forward":
        return this.#forward(action, match, head, stream);
    }
  }

  #forward(
    action: ForwardAction,
    match: RouteConfig["match"],
    head: RequestHead,
    stream: ServerStream,
  ): Decision {
    const { upgrade } = head;
    if (upgrade !== undefined && !(action.upgrades ?? this.#config.upgrades).includes(upgrade)) {
      return reply(403, "the route takes no upgrade");
    }
    const share = this.#share(action.clusters);
    const { clusterHeader } = action;
    const name = clusterHeader === undefined ? share?.cluster : head.fields.get(clusterHeader);
    const cluster = name === undefined ? undefined : this.#options.clusterOf(name);
    if (cluster === undefined) return reply(503, "no such cluster");
    const sent: RequestHead = { ...head, fields: head.fields.copy() };
    sent.path = rewritePath(action.rewrite, match, head.path);
    sent.authority = rewrittenAuthority(action, head);
    addForwardingFields(sent, stream.connection.peer, this.#config);
    const subset = share?.subset ?? action.subset;
    return {
      kind: "forward",
      head: sent,
      timeoutMs: action.timeoutMs,
      choose: (tried) => {
        const destination = cluster.choose({ subset, tried }, head.protocol);
        const isAuto = action.hostRewrite?.kind === "auto" || sent.authority === "";
        if (destination && isAuto) sent.authority = destination.host.hostname;
        return destination;
      },
    };
  }

  // A split by weight; one cluster needs no chance.
  #share(clusters: readonly WeightedCluster[]): WeightedCluster | undefined {
    if (clusters.length <= 1) return clusters[0];
    const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
    let at = this.#options.random.below(total);
    return clusters.find(({ weight }) => {
      at -= weight;
      return at < 0;
    });
  }
}

function reply(
  status: number,
  text: string,
  fields: readonly (readonly [string, string])[] = [],
): Decision {
  return { kind: "reply", reply: { status, text, fields } };
}

function rewrittenAuthority({ hostRewrite }: ForwardAction, head: RequestHead): string {
  if (hostRewrite?.kind === "literal") return hostRewrite.value;
  if (hostRewrite?.kind !== "header") return head.authority;
  return head.fields.get(hostRewrite.name) ?? head.authority;
}
