// The chain of HTTP filters, and what a route may set otherwise. The filters themselves are its
// neighbours.
import type { HttpFilterConfig } from "../filter-config.ts";
import type { FilterOverrides } from "../route-config.ts";
import {
  anyOf,
  ignored,
  type Message,
  message,
  only,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { giveUp, type Node } from "../schema/node.ts";
import { mapOf, name, type Reader, refine } from "../schema/reader.ts";
import { disabled, type Nameless } from "./filter-parts.ts";
import { adaptiveConcurrency, buffer, bufferPerRoute, localRateLimit } from "./limit-filters.ts";
import { rbac, rbacPerRoute } from "./rbac.ts";
import { compressor, compressorPerRoute, cors, corsPolicy, fault } from "./traffic-filters.ts";

type AnyNameless = Nameless<HttpFilterConfig>;

/** The last of them: it has no settings that are kept. */
const router: Message<"router"> = message(
  "envoy.extensions.filters.http.router.v3.Router",
  {
    dynamic_stats: ignored("it only observes"),
    start_child_span: ignored("it only observes"),
    upstream_log: ignored("it only observes"),
    upstream_log_options: ignored("it only observes"),
    suppress_grpc_request_failure_code_stats: ignored("it only observes"),
    suppress_envoy_headers: only(false, "remove them with response_headers_to_remove"),
    strict_check_headers: refused("take it out: a header that is no number is not looked at"),
    respect_expected_rq_timeout: only(false, "take it out: deadlines from clients are capped"),
    upstream_http_filters: refused("put them in http_filters"),
    reject_connect_request_early_data: only(false, "take it out"),
  },
  () => "router",
);

const filterConfig: Reader<AnyNameless | "router"> = anyOf<AnyNameless | "router">(
  router,
  rbac,
  localRateLimit,
  fault,
  cors,
  buffer,
  compressor,
  adaptiveConcurrency,
);

/** A filter with its name, and where it stands. */
export interface NamedFilter {
  readonly name: string;
  readonly config: HttpFilterConfig | "router";
  readonly node: Node;
}

/** One of `http_filters`. */
export const httpFilter: Message<NamedFilter> = message(
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
  {
    name: required(name),
    typed_config: required(filterConfig),
    config_discovery: refused("write typed_config"),
    is_optional: only(false, "a filter that is not known is refused"),
    disabled: only(false, "leave the filter out, or switch it off for routes"),
  },
  ({ name: filter, typedConfig }, node) => {
    const config = typedConfig === "router" ? typedConfig : { ...typedConfig, name: filter };
    return { name: filter, config: config as HttpFilterConfig | "router", node };
  },
);

const overrides: Reader<AnyNameless | false> = anyOf<AnyNameless | false>(
  rbacPerRoute,
  localRateLimit,
  fault,
  corsPolicy,
  bufferPerRoute,
  compressorPerRoute,
);

const routeFilter: Message<AnyNameless | false> = message(
  "envoy.config.route.v3.FilterConfig",
  {
    config: optional(overrides),
    is_optional: only(false, "a filter that is not known is refused"),
    disabled: optional(disabled),
  },
  ({ config, disabled: off }) => config ?? off ?? giveUp(),
  { oneOf: [["config", "disabled"]] },
);

const override = anyOf<AnyNameless | false>(
  routeFilter,
  rbacPerRoute,
  localRateLimit,
  fault,
  corsPolicy,
  bufferPerRoute,
  compressorPerRoute,
);

/** `typed_per_filter_config`; that the filters exist is checked where they are listed. */
export const filterOverrides: Reader<FilterOverrides> = refine(mapOf(override), (entries, node) => {
  const made = new Map<string, HttpFilterConfig | false>();
  for (const [filter, config] of entries) {
    const kind = config === false ? undefined : config.kind;
    node.reading.filters.push({ filter, kind, node: node.entry(filter, undefined) });
    made.set(filter, config && ({ ...config, name: filter } as HttpFilterConfig));
  }
  return made;
});
