// What the sidecar runs with in the bench: the package's own example with other ports. Every check
// is on, because none can be switched off.
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { CertificateFiles, Setting } from "./setting.ts";

const example = new URL("../../examples/sidecar.yaml", import.meta.url);
const v3 = "type.googleapis.com/envoy.extensions";

interface SocketAddress {
  socket_address: { port_value: number };
}

interface Cluster {
  load_assignment: { endpoints: { lb_endpoints: { endpoint: { address: SocketAddress } }[] }[] };
  typed_extension_protocol_options?: unknown;
}

interface Document {
  static_resources: {
    listeners: { address: SocketAddress; filter_chains: { transport_socket?: unknown }[] }[];
    clusters: Cluster[];
  };
}

/** The bootstrap document, in JSON; the listener takes a port of the machine's own. */
export function sidecarConfig({ protocol, upstreamPort, tls }: Setting): string {
  const document = parse(readFileSync(example, "utf8")) as Document;
  const { listeners, clusters } = document.static_resources;
  for (const listener of listeners) {
    listener.address.socket_address.port_value = 0;
    if (tls === undefined) continue;
    for (const chain of listener.filter_chains) chain.transport_socket = tlsSocket(tls);
  }
  for (const cluster of clusters) {
    for (const { lb_endpoints } of cluster.load_assignment.endpoints) {
      for (const { endpoint } of lb_endpoints) {
        endpoint.address.socket_address.port_value = upstreamPort;
      }
    }
    if (protocol === "grpc") cluster.typed_extension_protocol_options = http2Upstream;
  }
  return JSON.stringify(document, null, 2);
}

const http2Upstream = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": `${v3}.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  },
};

function tlsSocket({ certificateFile, keyFile }: CertificateFiles): unknown {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${v3}.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: "TLSv1_3" },
        tls_certificates: [
          {
            certificate_chain: { filename: certificateFile },
            private_key: { filename: keyFile },
          },
        ],
      },
    },
  };
}
