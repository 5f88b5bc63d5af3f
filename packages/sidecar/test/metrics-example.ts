// Registers every family on a live object: the guard of the README's metrics table looks here.
import type { MetricRegistry } from "@compendium/metrics";
import { compile, Sidecar } from "@compendium/sidecar";
import { registerSidecar } from "@compendium/sidecar/metrics";
import { Authority, Files } from "./tls/files.ts";

const v3 = "type.googleapis.com/envoy.extensions.filters";
const at = (port_value: number) => ({ socket_address: { address: "127.0.0.1", port_value } });
const manager = {
  "@type": `${v3}.network.http_connection_manager.v3.HttpConnectionManager`,
  stat_prefix: "inbound",
  http_filters: [
    {
      name: "envoy.filters.http.fault",
      typed_config: { "@type": `${v3}.http.fault.v3.HTTPFault` },
    },
    {
      name: "envoy.filters.http.router",
      typed_config: { "@type": `${v3}.http.router.v3.Router` },
    },
  ],
  route_config: {},
};
const filter = {
  name: "envoy.filters.network.http_connection_manager",
  typed_config: manager,
};
const tls = (certificate: string, key: string) => ({
  name: "envoy.transport_sockets.tls",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    common_tls_context: {
      tls_certificates: [
        { certificate_chain: { filename: certificate }, private_key: { filename: key } },
      ],
    },
  },
});
const hosts = (name: string, address: object) => ({
  cluster_name: name,
  endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
});
const probe = { timeout: "1s", interval: "60s", unhealthy_threshold: 1, healthy_threshold: 1 };

export async function registerExample(registry: MetricRegistry): Promise<void> {
  using files = new Files();
  const pair = files.pair("app", new Authority("example").member("app"));
  await using sidecar = new Sidecar({ warmTimeoutMs: 1, resolver: { resolve: async () => [] } });
  await sidecar.apply(
    compile({
      static_resources: {
        listeners: [
          {
            name: "inbound",
            address: at(0),
            filter_chains: [
              {
                filters: [filter],
                transport_socket: tls(pair.certificateFile, pair.keyFile),
              },
            ],
          },
        ],
        clusters: [
          {
            name: "app",
            outlier_detection: {},
            health_checks: [{ ...probe, tcp_health_check: {} }],
            load_assignment: hosts("app", at(1)),
          },
          {
            name: "named",
            type: "STRICT_DNS",
            load_assignment: hosts("named", {
              socket_address: { address: "app.example", port_value: 1 },
            }),
          },
        ],
      },
    }),
  );
  registerSidecar(registry, sidecar.numbers);
}
