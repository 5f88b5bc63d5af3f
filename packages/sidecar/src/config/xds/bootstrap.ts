// The document as a whole: Envoy's bootstrap, of which the static part is taken.
import type { ClusterConfig } from "../cluster-config.ts";
import type { AddressConfig, ListenerConfig } from "../listener-config.ts";
import {
  defaulted,
  ignored,
  type Message,
  message,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { type Node, shown } from "../schema/node.ts";
import { list } from "../schema/reader.ts";
import { cluster } from "./cluster.ts";
import { listener } from "./listener.ts";
import { address, checkIp } from "./types.ts";

/** What a document says. */
export interface Bootstrap {
  readonly listeners: readonly ListenerConfig[];
  readonly clusters: readonly ClusterConfig[];
  readonly admin: AddressConfig | undefined;
}

interface StaticResources {
  readonly listeners: readonly ListenerConfig[];
  readonly clusters: readonly ClusterConfig[];
}

const staticResources: Message<StaticResources> = message(
  "envoy.config.bootstrap.v3.Bootstrap.StaticResources",
  {
    listeners: defaulted(list(listener, 1000), []),
    clusters: defaulted(list(cluster), []),
    secrets: refused("name files in the transport sockets"),
  },
  ({ listeners, clusters }, node) => {
    checkNames("listeners", listeners, node);
    checkNames("clusters", clusters, node);
    checkAddresses(listeners, node);
    return { listeners, clusters };
  },
);

const adminAddress: typeof address = {
  ...address,
  read: (node) => {
    const read = address.read(node);
    checkIp(node, read, 'write an address, such as "127.0.0.1"');
    return read;
  },
};

const admin: Message<AddressConfig | undefined> = message(
  "envoy.config.bootstrap.v3.Admin",
  {
    address: optional(adminAddress),
    access_log: ignored("what is asked of the admin API is not logged"),
    access_log_path: ignored("what is asked of the admin API is not logged"),
    profile_path: ignored("there is no profiler"),
    socket_options: refused("take them out"),
    ignore_global_conn_limit: ignored("the admin API has a limit of its own"),
    allow_paths: refused("listen on an address that only operators reach"),
  },
  (values) => values.address,
);

const observes = ignored("it only observes");

/** The document. */
export const bootstrap: Message<Bootstrap> = message(
  "envoy.config.bootstrap.v3.Bootstrap",
  {
    static_resources: required(staticResources),
    admin: optional(admin),
    node: ignored("only a control plane asks for it"),
    dynamic_resources: refused("write static_resources"),
    cluster_manager: refused("take it out"),
    hds_config: refused("write health_checks"),
    flags_path: ignored("nothing here looks at it"),
    stats_sinks: observes,
    stats_config: observes,
    stats_flush_interval: observes,
    stats_flush_on_admin: observes,
    watchdog: observes,
    watchdogs: observes,
    tracing: ignored("spans go through @opentelemetry/api, as the process is set up"),
    layered_runtime: refused("take it out: there is no runtime"),
    overload_manager: refused("use connection_limit, circuit_breakers and buffer limits"),
    enable_dispatcher_stats: observes,
    header_prefix: refused('take it out: the prefix is "x-envoy"'),
    stats_server_version_override: observes,
    use_tcp_for_dns_lookups: refused("set up the system's resolver"),
    dns_resolution_config: refused("set up the system's resolver"),
    typed_dns_resolver_config: refused("set up the system's resolver"),
    bootstrap_extensions: refused("take them out"),
    fatal_actions: refused("take them out"),
    config_sources: refused("write static_resources"),
    default_config_source: refused("write static_resources"),
    default_socket_interface: refused("take it out"),
    certificate_provider_instances: refused("name files in the transport sockets"),
    inline_headers: refused("take them out"),
    perf_tracing_file_path: observes,
    default_regex_engine: ignored("there is no other engine than RE2"),
    xds_delegate_extension: refused("take it out"),
    xds_config_tracker_extension: refused("take it out"),
    listener_manager: refused("take it out"),
    application_log_config: observes,
    grpc_async_client_manager_config: refused("take it out"),
    memory_allocator_manager: ignored("memory is the platform's matter"),
  },
  ({ staticResources: resources, admin: at }) => ({ ...resources, admin: at }),
);

function checkNames(field: string, items: readonly { readonly name: string }[], node: Node): void {
  const seen = new Map<string, number>();
  for (const [i, { name }] of items.entries()) {
    const before = seen.get(name);
    if (before !== undefined) {
      node
        .field(`${field}[${i}].name`, undefined)
        .refuse(`${shown(name)} is the name of ${field}[${before}] as well`, "rename one of them");
    }
    seen.set(name, i);
  }
}

function checkAddresses(listeners: readonly ListenerConfig[], node: Node): void {
  const seen = new Map<string, number>();
  for (const [i, { address: host, port }] of listeners.entries()) {
    const key = `${host} port ${port}`;
    const before = seen.get(key);
    // Port 0 is another one each time.
    if (before !== undefined && port !== 0) {
      node
        .field(`listeners[${i}].address`, undefined)
        .refuse(`listeners[${before}] listens on ${key} as well`, "put the chains into one");
    }
    seen.set(key, i);
  }
}
