// The route table: virtual hosts by domain, and in each the routes in their order. What is written
// on the table or on a virtual host for all its routes is handed down here, so that a lookup ends
// at one route that knows everything.
import type {
  FilterOverrides,
  ForwardAction,
  HeaderEdits,
  HedgeConfig,
  RetryConfig,
  RouteConfig,
  VirtualHostConfig,
} from "../route-config.ts";
import {
  defaulted,
  ignored,
  label,
  type Message,
  message,
  only,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { giveUp, type Node, shown } from "../schema/node.ts";
import {
  bool,
  choice,
  list,
  name,
  type Reader,
  refine,
  someOf,
  text,
  Unsupported,
} from "../schema/reader.ts";
import { filterOverrides } from "./filters.ts";
import { directResponse, redirectAction } from "./local-action.ts";
import { hedgePolicy, retryPolicy } from "./retry.ts";
import { routeAction } from "./route-action.ts";
import { covers, routeMatch } from "./route-match.ts";
import { additions, editOf, removals } from "./types.ts";

const noOverrides: FilterOverrides = new Map();

/** The fields by which headers are changed, on each level. */
const edits = {
  request_headers_to_add: defaulted(additions, []),
  request_headers_to_remove: defaulted(removals, []),
  response_headers_to_add: defaulted(additions, []),
  response_headers_to_remove: defaulted(removals, []),
} as const;

interface Edits {
  readonly requestHeadersToAdd: Parameters<typeof editOf>[1];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: Parameters<typeof editOf>[1];
  readonly responseHeadersToRemove: readonly string[];
}

const editsOf = (values: Edits): HeaderEdits => ({
  request: editOf(values.requestHeadersToRemove, values.requestHeadersToAdd),
  response: editOf(values.responseHeadersToRemove, values.responseHeadersToAdd),
});

const route: Message<RouteConfig> = message(
  "envoy.config.route.v3.Route",
  {
    name: defaulted(text, ""),
    match: required(routeMatch),
    route: optional(routeAction),
    redirect: optional(redirectAction),
    direct_response: optional(directResponse),
    filter_action: refused("use route, redirect or direct_response"),
    non_forwarding_action: refused("use route, redirect or direct_response"),
    metadata: ignored("nothing here looks at it"),
    decorator: ignored("it only observes"),
    tracing: ignored("it only observes"),
    stat_prefix: ignored("it only observes"),
    typed_per_filter_config: defaulted(filterOverrides, noOverrides),
    ...edits,
    per_request_buffer_limit_bytes: refused("use the buffer filter"),
    request_body_buffer_limit: refused("use the buffer filter"),
  },
  (values) => ({
    name: values.name,
    match: values.match,
    action: values.route ?? values.redirect ?? values.directResponse ?? giveUp(),
    headers: editsOf(values),
    filters: values.typedPerFilterConfig,
  }),
  {
    oneOf: [["route", "redirect", "direct_response", "filter_action", "non_forwarding_action"]],
  },
);

const domain: Reader<string> = refine(name, (value, node) => {
  const star = value.indexOf("*");
  const isAtAnEnd = star === -1 || star === 0 || star === value.length - 1;
  if (isAtAnEnd && star === value.lastIndexOf("*") && /^[\x21-\x7e]+$/.test(value)) {
    return value.toLowerCase();
  }
  return node.fail(
    `${shown(value)} is no domain`,
    'write a name, "*.suffix", "prefix.*" or "*", in ASCII',
  );
});

interface Inherited {
  readonly headers: HeaderEdits;
  readonly filters: FilterOverrides;
  readonly retry: RetryConfig | undefined;
  readonly hedge: HedgeConfig | undefined;
}

const virtualHost: Message<VirtualHostConfig> = message(
  "envoy.config.route.v3.VirtualHost",
  {
    name: required(name),
    domains: required(someOf(domain)),
    routes: defaulted(list(route), []),
    require_tls: defaulted(
      choice("TlsRequirementType", {
        NONE: false,
        EXTERNAL_ONLY: new Unsupported("write ALL: no address counts as internal"),
        ALL: true,
      }),
      false,
    ),
    retry_policy: optional(retryPolicy),
    hedge_policy: optional(hedgePolicy),
    typed_per_filter_config: defaulted(filterOverrides, noOverrides),
    ...edits,
    matcher: refused("use routes"),
    virtual_clusters: ignored("they only observe"),
    rate_limits: refused("use the local_ratelimit filter"),
    cors: refused("put a CorsPolicy into typed_per_filter_config"),
    include_request_attempt_count: only(
      false,
      "add %UPSTREAM_REQUEST_ATTEMPT_COUNT% to the access log",
    ),
    include_attempt_count_in_response: only(
      false,
      "add it with response_headers_to_add and %UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    ),
    include_is_timeout_retry_header: only(false, "take it out"),
    retry_policy_typed_config: refused("use retry_policy"),
    per_request_buffer_limit_bytes: refused("use the buffer filter"),
    request_body_buffer_limit: refused("use the buffer filter"),
    request_mirror_policies: refused("set them on the routes"),
    metadata: ignored("nothing here looks at it"),
  },
  (values, node) => {
    warnOfUnreachable(values.routes, node);
    const inherited = {
      headers: editsOf(values),
      filters: values.typedPerFilterConfig,
      retry: values.retryPolicy,
      hedge: values.hedgePolicy,
    };
    return {
      name: values.name,
      domains: values.domains,
      requiresTls: values.requireTls,
      routes: values.routes.map((one) => inherit(one, inherited)),
    };
  },
);

function warnOfUnreachable(routes: readonly RouteConfig[], node: Node): void {
  // With thousands of routes every pair would be millions; whatever hides a route is mostly near.
  const PAIRS_MAX = 250_000;
  let pairs = 0;
  for (const [i, later] of routes.entries()) {
    for (let j = 0; j < i && pairs < PAIRS_MAX; j++, pairs++) {
      if (!covers(routes[j]!.match, later.match)) continue;
      node.field(`routes[${i}]`, undefined).note(`is never reached: routes[${j}] takes it all`);
      break;
    }
  }
}

function inherit(one: RouteConfig, outer: Inherited): RouteConfig {
  const action: RouteConfig["action"] =
    one.action.kind === "forward" ? withPolicies(one.action, outer) : one.action;
  return {
    ...one,
    action,
    headers: {
      request: [...one.headers.request, ...outer.headers.request],
      response: [...one.headers.response, ...outer.headers.response],
    },
    filters: outer.filters.size === 0 ? one.filters : new Map([...outer.filters, ...one.filters]),
  };
}

function withPolicies(action: ForwardAction, { retry, hedge }: Inherited): ForwardAction {
  return { ...action, retry: action.retry ?? retry, hedge: action.hedge ?? hedge };
}

/** A route table. */
export interface RouteTableConfig {
  readonly virtualHosts: readonly VirtualHostConfig[];
  readonly ignoresPort: boolean;
}

/** A route table. */
export const routeConfiguration: Message<RouteTableConfig> = message(
  "envoy.config.route.v3.RouteConfiguration",
  {
    name: label("nothing here refers to it"),
    virtual_hosts: defaulted(list(virtualHost), []),
    ignore_port_in_host_matching: defaulted(bool, false),
    typed_per_filter_config: defaulted(filterOverrides, noOverrides),
    ...edits,
    vhds: refused("write virtual_hosts"),
    internal_only_headers: refused("remove them with request_headers_to_remove"),
    most_specific_header_mutations_wins: only(false, "take it out: the outermost is made last"),
    validate_clusters: only(true, "every cluster must exist"),
    max_direct_response_body_size_bytes: refused("keep bodies within 4,096 bytes"),
    cluster_specifier_plugins: refused("name the clusters"),
    request_mirror_policies: refused("set them on the routes"),
    ignore_path_parameters_in_path_matching: only(false, "use safe_regex"),
    vhost_header: refused("take it out: the authority chooses the virtual host"),
    metadata: ignored("nothing here looks at it"),
  },
  (values, node) => {
    checkUnique(values.virtualHosts, node);
    const outer: Inherited = {
      headers: editsOf(values),
      filters: values.typedPerFilterConfig,
      retry: undefined,
      hedge: undefined,
    };
    return {
      ignoresPort: values.ignorePortInHostMatching,
      virtualHosts: values.virtualHosts.map((host) => {
        return { ...host, routes: host.routes.map((one) => inherit(one, outer)) };
      }),
    };
  },
);

function checkUnique(hosts: readonly VirtualHostConfig[], node: Node): void {
  const names = new Map<string, number>();
  const domains = new Map<string, string>();
  for (const [i, host] of hosts.entries()) {
    const at = node.field(`virtual_hosts[${i}]`, undefined);
    const before = names.get(host.name);
    names.set(host.name, i);
    if (before !== undefined) {
      at.refuse(`has the name of virtual_hosts[${before}], ${shown(host.name)}`, "rename it");
    }
    for (const one of host.domains) {
      const other = domains.get(one);
      domains.set(one, host.name);
      if (other === undefined) continue;
      at.refuse(`${shown(one)} is a domain of ${shown(other)} as well`, "take one of them out");
    }
  }
}
