// Where a request goes, by the configuration of one moment: one normal path, a route, what the
// route says, a cluster. A newer configuration makes a new router; a request keeps the one that it
// met.
import type { Clock, Random } from "@compendium/runtime";
import type { RequestHead, ResponseHead } from "../codec/codec.ts";
import type { HttpConfig } from "../config/listener-config.ts";
import type {
  DirectResponseAction,
  ForwardAction,
  MirrorConfig,
  RouteConfig,
} from "../config/route-config.ts";
import type { FilterChain } from "../filters/filter-chain.ts";
import type { HttpFilter } from "../filters/http-filter.ts";
import { applyEdits } from "../match/header-edits.ts";
import { hasDotSegments, PathNormalizer } from "../match/path-normalizer.ts";
import { redirectLocation, rewritePath } from "../match/rewrite.ts";
import { RouteTable } from "../match/route-table.ts";
import { shareOf } from "../match/weighted-share.ts";
import type { Destination, UpstreamCluster } from "../upstream/upstream-cluster.ts";
import { clientOf } from "./client-address.ts";
import type { Decider, Decision } from "./decision.ts";
import { addForwardingFields } from "./forwarding-fields.ts";
import type { LocalReply } from "./local-reply.ts";
import type { RequestInfo } from "./request-info.ts";
import { RoutedCall } from "./routed-call.ts";
import type { CallPlan } from "./upstream-call.ts";

/** What a router is made of. */
export interface RequestRouterOptions {
  readonly config: HttpConfig;
  readonly filters: FilterChain;
  readonly clusterOf: (name: string) => UpstreamCluster | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** Decides by one configuration. */
export class RequestRouter implements Decider {
  readonly #options: RequestRouterOptions;
  readonly #routes: RouteTable;
  readonly #paths: PathNormalizer;

  constructor(options: RequestRouterOptions) {
    const { virtualHosts, ignoresPort, path } = options.config;
    this.#options = options;
    this.#routes = new RouteTable({ virtualHosts, ignoresPort, random: options.random });
    this.#paths = new PathNormalizer(path);
  }

  route(head: RequestHead, info: RequestInfo): LocalReply | undefined {
    const client = clientOf(head, info.peer, this.#options.config);
    info.remoteAddress = client.address;
    info.remotePort = client.port;
    addForwardingFields(head, info.peer, this.#options.config);
    const normal = this.#paths.normalize(head.path);
    if (normal.kind === "refused") {
      const text = `the path is refused: ${normal.reason}`;
      return { status: 400, text, details: "path_normalization_failed" };
    }
    if (normal.kind === "redirect") return moved(307, normal.path, "path_normalization_redirect");
    head.path = normal.path;
    const found = this.#routes.find(head);
    info.virtualHost = found?.virtualHost ?? this.#routes.virtualHostOf(head);
    if (info.peer.tls === undefined && info.virtualHost?.requiresTls) {
      return moved(301, `https://${head.authority}${head.path}`, "https_redirect");
    }
    info.route = found?.route;
    return undefined;
  }

  idleTimeoutMs({ route }: RequestInfo): number {
    const { timers } = this.#options.config;
    const own = route?.action.kind === "forward" ? route.action.idleTimeoutMs : undefined;
    return own ?? timers.streamIdleTimeoutMs;
  }

  filtersFor({ route }: RequestInfo): readonly HttpFilter[] {
    return this.#options.filters.filtersFor(route?.filters);
  }

  decide(head: RequestHead, info: RequestInfo): Decision {
    const { route } = info;
    if (route === undefined) {
      const reply = { status: 404, text: "no route", flag: "NR", details: "route_not_found" };
      return { kind: "reply", reply: reply as LocalReply };
    }
    const { action, match } = route;
    switch (action.kind) {
      case "direct":
        return { kind: "reply", reply: directReply(action) };
      case "redirect": {
        const location = redirectLocation(action, match, head);
        return { kind: "reply", reply: moved(action.status, location, "direct_response") };
      }
      case "forward":
        return this.#forward(action, route, head, info);
    }
  }

  edit(head: ResponseHead, info: RequestInfo): void {
    const { route, share } = info;
    const isEdited = route && (share?.headers.response.length || route.headers.response.length);
    if (!isEdited) return;
    info.response = head;
    if (share !== undefined) applyEdits(share.headers.response, head.fields, info);
    applyEdits(route.headers.response, head.fields, info);
  }

  sign({ fields }: ResponseHead): void {
    const { serverHeader, serverName } = this.#options.config;
    if (serverHeader === "overwrite") fields.set("server", serverName);
    else if (serverHeader === "append-if-absent" && !fields.has("server")) {
      fields.append("server", serverName);
    }
  }

  #forward(
    action: ForwardAction,
    route: RouteConfig,
    head: RequestHead,
    info: RequestInfo,
  ): Decision {
    const { config } = this.#options;
    const { upgrade } = head;
    if (upgrade !== undefined && !(action.upgrades ?? config.upgrades).includes(upgrade)) {
      const reply = { status: 403, text: "the route takes no upgrade", details: "upgrade_failed" };
      return { kind: "reply", reply };
    }
    const share = shareOf(action.clusters, this.#options.random);
    info.share = share;
    const { clusterHeader } = action;
    const name = clusterHeader === undefined ? share?.cluster : head.fields.get(clusterHeader);
    const cluster = name === undefined ? undefined : this.#options.clusterOf(name);
    if (cluster === undefined) {
      const reply: LocalReply = {
        status: 503,
        text: "no such cluster",
        flag: "NC",
        details: "cluster_not_found",
      };
      return { kind: "reply", reply };
    }
    info.upstreamCluster = name;
    const sent = rewritten(action, route, head, info);
    const { normalize } = config.path;
    if (normalize && sent.path !== head.path && hasDotSegments(sent.path)) return ambiguousPath;
    const mirrors = action.mirrors.length === 0 ? [] : this.#mirrors(action.mirrors, sent, head);
    return new RoutedCall({ cluster, action, asked: head, sent, info, mirrors });
  }

  #mirrors(
    mirrors: readonly MirrorConfig[],
    sent: RequestHead,
    { protocol }: RequestHead,
  ): CallPlan[] {
    const plans: CallPlan[] = [];
    for (const { cluster: name, fraction, keepsAuthority } of mirrors) {
      const cluster = this.#options.clusterOf(name);
      if (cluster === undefined || this.#options.random.below(1_000_000) >= fraction) continue;
      const authority = keepsAuthority ? sent.authority : shadowAuthority(sent.authority);
      plans.push({
        head: { ...sent, authority, fields: sent.fields.copy() },
        choose: (): Destination | undefined => cluster.choose({}, protocol, "default"),
        prepare: () => {},
        onAnswer: () => {},
        breakers: cluster.cluster.breakers.default,
        retry: undefined,
        hedge: undefined,
      });
    }
    return plans;
  }
}

const ambiguousPath: Decision = {
  kind: "reply",
  reply: {
    status: 400,
    text: "the rewritten path has dot segments",
    details: "path_normalization_failed",
  },
};

// The head as it is sent, but for what depends on the host.
function rewritten(
  action: ForwardAction,
  { match, headers }: RouteConfig,
  head: RequestHead,
  info: RequestInfo,
): RequestHead {
  const sent: RequestHead = { ...head, fields: head.fields.copy() };
  sent.path = rewritePath(action.rewrite, match, head.path);
  if (sent.path !== head.path) sent.fields.set("x-envoy-original-path", head.path);
  sent.authority = rewrittenAuthority(action, head);
  if (info.share !== undefined) applyEdits(info.share.headers.request, sent.fields, info);
  applyEdits(headers.request, sent.fields, info);
  return sent;
}

function moved(status: number, location: string, details: string): LocalReply {
  return { status, text: "moved", fields: [["location", location]], details };
}

function directReply({ status, body, fields }: DirectResponseAction): LocalReply {
  const pairs: (readonly [string, string])[] = [];
  fields.forEach((name, value) => void pairs.push([name, value]));
  return { status, text: "", body, fields: pairs, details: "direct_response" };
}

function rewrittenAuthority({ hostRewrite }: ForwardAction, head: RequestHead): string {
  if (hostRewrite?.kind === "literal") return hostRewrite.value;
  if (hostRewrite?.kind !== "header") return head.authority;
  return head.fields.get(hostRewrite.name) ?? head.authority;
}

// So that whoever gets the copy can tell it from the request (Envoy's suffix).
function shadowAuthority(authority: string): string {
  const port = /:\d+$/.exec(authority)?.[0] ?? "";
  return `${authority.slice(0, authority.length - port.length)}-shadow${port}`;
}
