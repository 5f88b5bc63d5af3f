// What a sidecar of the demo is told: an Envoy bootstrap (packages/sidecar/XDS.md), as plain
// objects. Written down here once; embedded, it is a file of JSON in a temporary folder, in compose
// one of YAML in mesh/. Envoy takes either.
//
//     listener :port ─▶ route to everything ─▶ cluster ─▶ the service, or its versions by weight
//                       15 s, 1 retry           breakers, outlier detection
//
// A retry that nobody asked for must be one that nobody can notice: by default only what never
// reached the service is tried again (it refused the connection, or the stream). Whether an answer
// may be asked for twice is for whoever knows what is asked: a hedge is for previews.
import { isIP } from "node:net";

/** An address that can be listened on, or called. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A process of the service, or all of one name. */
export interface Endpoint extends Address {
  /** Its share of the calls is this over the sum of all. Default: 1. */
  readonly weight?: number;
}

/** A sidecar, as the demo thinks of it. */
export interface SidecarPlan {
  /** The service it stands in front of. */
  readonly name: string;
  readonly listen: Address;
  /** Its own door: numbers, readiness, what it has been told. */
  readonly admin: Address;
  readonly endpoints: readonly Endpoint[];
  /** Most requests under way or waiting; more are refused at once. Default: 1,024. */
  readonly requestsMax?: number;
  /** Asks a second time when there is no answer after this long; for what may be asked twice. */
  readonly hedgeAfterMs?: number | undefined;
  /** Puts an endpoint aside after so many failures in a row; without it, never. */
  readonly ejectAfter?: number | undefined;
}

/** The listener's name, in every sidecar. */
export const LISTENER = "inbound";
/** What an endpoint may do wrong in a row, unless an experiment says otherwise: Envoy's default. */
export const EJECT_AFTER = 5;

const REQUESTS_MAX = 1_024;
const FILTERS = "type.googleapis.com/envoy.extensions.filters";

/** The whole document. */
export function sidecarConfig(plan: SidecarPlan): object {
  return {
    admin: { address: addressOf(plan.admin) },
    static_resources: { listeners: [listenerOf(plan)], clusters: [clusterOf(plan)] },
  };
}

function listenerOf(plan: SidecarPlan): object {
  return {
    name: LISTENER,
    address: addressOf(plan.listen),
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: LISTENER,
              // One id for a request on all of its hops: the first sidecar gives it.
              generate_request_id: true,
              preserve_external_request_id: true,
              server_header_transformation: "PASS_THROUGH",
              http_filters: [
                {
                  name: "envoy.filters.http.router",
                  typed_config: { "@type": `${FILTERS}.http.router.v3.Router` },
                },
              ],
              route_config: {
                virtual_hosts: [{ name: "all", domains: ["*"], routes: [routeOf(plan)] }],
              },
            },
          },
        ],
      },
    ],
  };
}

function routeOf({ name, hedgeAfterMs }: SidecarPlan): object {
  const hedge =
    hedgeAfterMs === undefined
      ? { retry_policy: { retry_on: "connect-failure,refused-stream", num_retries: 1 } }
      : {
          retry_policy: {
            retry_on: "5xx,reset",
            num_retries: 1,
            per_try_timeout: seconds(hedgeAfterMs),
          },
          // The first try is left alone: whoever answers first has answered.
          hedge_policy: { hedge_on_per_try_timeout: true },
        };
  return { match: { prefix: "/" }, route: { cluster: name, timeout: "15s", ...hedge } };
}

function clusterOf(plan: SidecarPlan): object {
  const { name, endpoints, requestsMax = REQUESTS_MAX, ejectAfter } = plan;
  const isNamed = endpoints.some(({ host }) => isIP(host) === 0);
  return {
    name,
    connect_timeout: "1s",
    // A container that is made anew has another address.
    ...(isNamed && { type: "STRICT_DNS", dns_refresh_rate: "1s", dns_lookup_family: "V4_ONLY" }),
    lb_policy: "ROUND_ROBIN",
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: endpoints.map(({ weight = 1, ...address }) => ({
            endpoint: { address: addressOf(address) },
            load_balancing_weight: weight,
          })),
        },
      ],
    },
    circuit_breakers: {
      thresholds: [
        {
          max_connections: requestsMax,
          max_pending_requests: requestsMax,
          max_requests: requestsMax,
          retry_budget: { budget_percent: { value: 20 }, min_retry_concurrency: 3 },
        },
      ],
    },
    ...(ejectAfter !== undefined && {
      outlier_detection: {
        consecutive_5xx: ejectAfter,
        base_ejection_time: "30s",
        // Never the last one: a bad answer may still be better than none.
        max_ejection_percent: 50,
      },
    }),
  };
}

function addressOf({ host, port }: Address): object {
  return { socket_address: { address: host, port_value: port } };
}

function seconds(ms: number): string {
  return `${ms / 1_000}s`;
}
