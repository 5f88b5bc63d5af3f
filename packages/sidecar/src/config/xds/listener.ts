// Listeners: where to listen, and which chain a connection takes. The chains that are kept apart by
// server name and ALPN; everything else that Envoy can tell them apart by is refused.
import type {
  FilterChainConfig,
  HttpConfig,
  ListenerConfig,
  TcpConfig,
} from "../listener-config.ts";
import {
  anyOf,
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
import { type Node, shown } from "../schema/node.ts";
import {
  choice,
  list,
  name,
  positive,
  positiveDuration,
  type Reader,
  refine,
  someOf,
  text,
} from "../schema/reader.ts";
import { BUFFER_BYTES_MAX, type HttpWithoutBuffer, httpConnectionManager } from "./http-manager.ts";
import { type TcpWithoutBuffer, tcpProxy } from "./tcp-proxy.ts";
import { downstreamSocket } from "./tls.ts";
import { address, checkIp } from "./types.ts";

// More connections than this are closed at once, whatever a document says.
const CONNECTIONS_MAX: number = 65_536;

interface ConnectionLimit {
  readonly kind: "connection-limit";
  readonly connectionsMax: number;
}

const connectionLimit: Message<ConnectionLimit> = message(
  "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
  {
    stat_prefix: label("metrics have the listener's name"),
    max_connections: required(positive),
    delay: refused("take it out: connections beyond the limit are closed at once"),
    runtime_enabled: refused("leave the filter out where it must not act"),
  },
  ({ maxConnections }) => ({ kind: "connection-limit", connectionsMax: maxConnections }),
);

type NetworkFilter = HttpWithoutBuffer | TcpWithoutBuffer | ConnectionLimit;

const networkFilter: Message<NetworkFilter> = message(
  "envoy.config.listener.v3.Filter",
  {
    name: label("the type of typed_config decides"),
    typed_config: required(anyOf<NetworkFilter>(httpConnectionManager, tcpProxy, connectionLimit)),
    config_discovery: refused("write typed_config"),
  },
  (values) => values.typedConfig,
);

const serverName: Reader<string> = refine(name, (value, node) => {
  if (/^(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/.test(value)) return value.toLowerCase();
  return node.fail(`${shown(value)} is no server name`, 'write a name, or "*.suffix"');
});

interface ChainMatch {
  readonly serverNames: readonly string[];
  readonly applicationProtocols: readonly string[];
  readonly transportProtocol: "" | "tls" | "raw_buffer";
}

const byAddress = refused("write a listener for each address, or authorize by RBAC");

const chainMatch: Message<ChainMatch> = message(
  "envoy.config.listener.v3.FilterChainMatch",
  {
    server_names: defaulted(list(serverName), []),
    application_protocols: defaulted(list(name, 16), []),
    transport_protocol: defaulted(
      choice<ChainMatch["transportProtocol"]>("transport_protocol", {
        "": "",
        tls: "tls",
        raw_buffer: "raw_buffer",
      }),
      "",
    ),
    destination_port: refused("write a listener for each port"),
    prefix_ranges: byAddress,
    address_suffix: byAddress,
    suffix_len: byAddress,
    direct_source_prefix_ranges: byAddress,
    source_type: byAddress,
    source_prefix_ranges: byAddress,
    source_ports: byAddress,
  },
  (values) => values,
);

const anyMatch: ChainMatch = { serverNames: [], applicationProtocols: [], transportProtocol: "" };

type Chain = Omit<FilterChainConfig, "filter"> & {
  readonly filter: HttpWithoutBuffer | TcpWithoutBuffer;
};

const filterChain: Message<Chain> = message(
  "envoy.config.listener.v3.FilterChain",
  {
    name: defaulted(text, ""),
    filter_chain_match: defaulted(chainMatch, anyMatch),
    filters: required(someOf(networkFilter)),
    transport_socket: optional(downstreamSocket),
    use_proxy_proto: only(false, "take it out: the PROXY protocol is not spoken"),
    transport_socket_connect_timeout: refused("use the listener's listener_filters_timeout"),
    metadata: ignored("nothing here looks at it"),
    on_demand_configuration: refused("take it out"),
  },
  ({ name: chain, filterChainMatch: match, filters, transportSocket: tls }, node) => {
    checkTransport(match, tls !== undefined, node);
    const limits = filters.filter((one) => one.kind === "connection-limit");
    const [filter, ...more] = filters.filter((one) => one.kind !== "connection-limit");
    if (filter === undefined || more.length > 0 || filters.at(-1) !== filter) {
      return node.fail(
        "must end with one http_connection_manager or tcp_proxy",
        "put connection_limit before it, and nothing behind it",
      );
    }
    const connectionsMax =
      limits.length === 0 ? undefined : Math.min(...limits.map((one) => one.connectionsMax));
    const kept = keptMatch(match);
    const isPassedOn = tls === undefined && filter.kind === "http";
    if (isPassedOn && (kept.transport === "tls" || wantsHello(match))) {
      node.fail("looks for TLS, and is an http_connection_manager without it", "add TLS");
    }
    return { name: chain, match: kept, tls, connectionsMax, filter };
  },
);

const wantsHello = ({ serverNames, applicationProtocols }: ChainMatch): boolean =>
  serverNames.length + applicationProtocols.length > 0;

function keptMatch({ transportProtocol, ...names }: ChainMatch): FilterChainConfig["match"] {
  if (transportProtocol === "") return names;
  return { ...names, transport: transportProtocol === "tls" ? "tls" : "plain" };
}

function checkTransport(match: ChainMatch, hasTls: boolean, node: Node): void {
  if (match.transportProtocol === "raw_buffer" && (hasTls || match.serverNames.length > 0)) {
    node.fail("matches raw_buffer, and expects TLS", "take transport_protocol out");
  }
}

const inspector = (protocol: "tls" | "http"): Message<undefined> => {
  const { type, why } = {
    tls: {
      type: "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
      why: "server names and ALPN are always looked at",
    },
    http: {
      type: "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
      why: "the codec finds out",
    },
  }[protocol];
  return message(
    type,
    {
      enable_ja3_fingerprinting: ignored(why),
      enable_ja4_fingerprinting: ignored(why),
      initial_read_buffer_size: ignored(why),
      max_client_hello_size: ignored(why),
    },
    () => undefined,
  );
};

const listenerFilter: Message<undefined> = message(
  "envoy.config.listener.v3.ListenerFilter",
  {
    name: label("the type of typed_config decides"),
    typed_config: required(anyOf<undefined>(inspector("tls"), inspector("http"))),
    config_discovery: refused("write typed_config"),
    filter_disabled: refused("take it out"),
  },
  () => undefined,
);

const wholeAddress: typeof address = {
  ...address,
  read: (node) => {
    const read = address.read(node);
    checkIp(node, read, 'write an address, such as "127.0.0.1", "0.0.0.0" or "::"');
    return read;
  },
};

/** A socket that is listened on. */
export const listener: Message<ListenerConfig> = message(
  "envoy.config.listener.v3.Listener",
  {
    name: required(name),
    address: required(wholeAddress),
    filter_chains: defaulted(list(filterChain, 1000), []),
    default_filter_chain: optional(filterChain),
    listener_filters: defaulted(list(listenerFilter), []),
    listener_filters_timeout: defaulted(positiveDuration, 15_000),
    continue_on_listener_filters_timeout: only(false, "a client that says nothing is let go"),
    per_connection_buffer_limit_bytes: defaulted(positive, BUFFER_BYTES_MAX),
    stat_prefix: label("metrics have the listener's name"),
    additional_addresses: refused("write a listener for each address"),
    filter_chain_matcher: refused("use filter_chain_match"),
    use_original_dst: only(false, "name the addresses: connections are not redirected here"),
    metadata: ignored("nothing here looks at it"),
    deprecated_v1: refused("take it out"),
    drain_type: ignored("a drain is begun by the admin API or a signal"),
    transparent: only(false, "take it out: the proxy's own address is used"),
    freebind: only(false, "take it out"),
    socket_options: refused("take them out: TCP_NODELAY and SO_REUSEADDR are set"),
    tcp_fast_open_queue_length: refused("take it out"),
    traffic_direction: ignored("it only observes"),
    udp_listener_config: refused("take it out: UDP is not served"),
    api_listener: refused("take it out"),
    connection_balance_config: refused("take it out: the kernel balances"),
    reuse_port: ignored("--workers decides"),
    enable_reuse_port: ignored("--workers decides"),
    access_log: refused("write it into the http_connection_manager or the tcp_proxy"),
    tcp_backlog_size: refused("take it out: the system's is used"),
    max_connections_to_accept_per_socket_event: ignored("the platform decides"),
    bind_to_port: only(true, "take it out"),
    internal_listener: refused("take it out"),
    enable_mptcp: only(false, "take it out"),
    ignore_global_conn_limit: only(false, "take it out"),
    bypass_overload_manager: only(false, "take it out"),
    fcds_config: refused("write filter_chains"),
  },
  (values, node) => {
    const bufferBytesMax = values.perConnectionBufferLimitBytes;
    const chains = [...values.filterChains];
    if (values.defaultFilterChain !== undefined) {
      const match = { ...keptMatch(anyMatch), isDefault: true as const };
      chains.push({ ...values.defaultFilterChain, match });
    }
    checkChains(chains, node);
    return {
      name: values.name,
      ...values.address,
      filterChains: chains.map((chain) => ({
        ...chain,
        name: nameOf(chain),
        filter: withBuffer(chain.filter, bufferBytesMax),
      })),
      connectionsMax: CONNECTIONS_MAX,
      handshakeTimeoutMs: values.listenerFiltersTimeout,
    };
  },
);

// Connections go on under the chain that they came by when a listener changes, so a chain without a
// name is known by what it matches, and not by its place among the others.
function nameOf({ name: given, match, tls }: Chain): string {
  if (given !== "") return given;
  if (match.isDefault) return "default";
  const { serverNames, applicationProtocols, transport } = match;
  const wanted = [...serverNames, ...applicationProtocols.map((one) => `ALPN ${one}`)];
  const socket = tls === undefined ? (transport ?? "any") : "TLS";
  return [socket, ...wanted].join(" ");
}

function withBuffer(
  filter: HttpWithoutBuffer | TcpWithoutBuffer,
  bufferBytesMax: number,
): HttpConfig | TcpConfig {
  if (filter.kind === "tcp") return { ...filter, bufferBytesMax };
  return { ...filter, limits: { ...filter.limits, bufferBytesMax } };
}

function checkChains(chains: readonly Chain[], node: Node): void {
  if (chains.length === 0) {
    node.fail("has no filter chain", "add one to filter_chains");
  }
  const seen = new Map<string, number>();
  const names = new Map<string, number>();
  for (const [i, chain] of chains.entries()) {
    const before = names.get(nameOf(chain));
    if (before !== undefined && chain.name !== "") {
      node.refuse(`chains ${before} and ${i} have the same name`, "rename one of them");
    }
    names.set(nameOf(chain), i);
  }
  for (const [i, { match, tls }] of chains.entries()) {
    if (match.isDefault) continue;
    for (const one of match.serverNames.length === 0 ? ["any"] : match.serverNames) {
      for (const protocol of match.applicationProtocols.length === 0
        ? ["any"]
        : match.applicationProtocols) {
        // One socket can tell TLS from its absence by the first byte.
        const socket = tls === undefined ? (match.transport ?? "any") : "TLS";
        const key = `${socket}, server name ${one}, ALPN ${protocol}`;
        const before = seen.get(key);
        if (before !== undefined) {
          node.refuse(
            `chains ${before} and ${i} match the same connections (${key})`,
            "tell them apart by server_names or application_protocols, or take one out",
          );
          return;
        }
        seen.set(key, i);
      }
    }
  }
}
