// Filters as a document of Envoy's describes them, made by the data plane itself.
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { NodeCodec } from "../../src/codec/node/node-codec.ts";
import { compileText } from "../../src/config/compile.ts";
import { DataPlane } from "../../src/listener/data-plane.ts";
import { listenOn } from "../proxy/harness.ts";
import { makeClient } from "../proxy/peers.ts";

const v3 = "type.googleapis.com/envoy.extensions.filters";

const document = (port: number): string => `
static_resources:
  listeners:
  - name: in
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": ${v3}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          http_filters:
          - name: cors
            typed_config: { "@type": ${v3}.http.cors.v3.Cors }
          - name: rbac
            typed_config:
              "@type": ${v3}.http.rbac.v3.RBAC
              rules:
                action: ALLOW
                policies:
                  all:
                    permissions: [{ not_rule: { url_path: { path: { prefix: /admin } } } }]
                    principals: [{ direct_remote_ip: { address_prefix: 127.0.0.0, prefix_len: 8 } }]
          - name: limit
            typed_config: { "@type": ${v3}.http.local_ratelimit.v3.LocalRateLimit, stat_prefix: a,
              token_bucket: { max_tokens: 1000, fill_interval: 1s } }
          - name: fault
            typed_config:
              "@type": ${v3}.http.fault.v3.HTTPFault
              abort: { http_status: 418, percentage: { numerator: 100 } }
              headers: [{ name: x-fault, present_match: true }]
          - name: buffer
            typed_config: { "@type": ${v3}.http.buffer.v3.Buffer, max_request_bytes: 1000 }
          - name: gzip
            typed_config:
              "@type": ${v3}.http.compressor.v3.Compressor
              compressor_library:
                name: gzip
                typed_config: { "@type":
                  type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip }
          - name: adaptive
            typed_config:
              "@type": ${v3}.http.adaptive_concurrency.v3.AdaptiveConcurrency
              gradient_controller_config:
                concurrency_limit_params: { concurrency_update_interval: 0.1s }
                min_rtt_calc_params: { interval: 60s }
          - name: router
            typed_config: { "@type": ${v3}.http.router.v3.Router }
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { prefix: /limited }
                route: { cluster: app }
                typed_per_filter_config:
                  limit: { "@type": ${v3}.http.local_ratelimit.v3.LocalRateLimit, stat_prefix: b,
                    token_bucket: { max_tokens: 1, fill_interval: 3600s },
                    filter_enabled: { default_value: { numerator: 100 } },
                    filter_enforced: { default_value: { numerator: 100 } } }
              - match: { prefix: / }
                route: { cluster: app }
                typed_per_filter_config:
                  cors:
                    "@type": ${v3}.http.cors.v3.CorsPolicy
                    allow_origin_string_match: [{ exact: "https://a.example" }]
  clusters:
  - name: app
    load_assignment:
      cluster_name: app
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } }
`;

test("all of them, from one document", async () => {
  const app = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    response.end("z".repeat(200));
  });
  const snapshot = compileText(document(await listenOn(app)));
  await using plane = new DataPlane({ codec: new NodeCodec() });
  await plane.apply(snapshot);
  using client = makeClient("h1", plane.portOf("in")!);

  const headers = { "accept-encoding": "gzip", origin: "https://a.example" };
  const got = await client.send({ path: "/", headers });
  expect(String(gunzipSync(got.body))).toBe("z".repeat(200));
  expect(got.headers["access-control-allow-origin"]).toBe("https://a.example");
  expect((await client.send({ path: "/a/../admin" })).status).toBe(403);
  expect((await client.send({ path: "/", headers: { "x-fault": "1" } })).status).toBe(418);
  expect((await client.send({ path: "/limited" })).status).toBe(200);
  expect((await client.send({ path: "/limited" })).status).toBe(429);
  const large = { "content-length": "1001" };
  const refused = await client.send({ method: "POST", body: "y".repeat(1001), headers: large });
  expect(refused.status).toBe(413);

  // A swap that changes nothing about a filter keeps it, with what it has counted.
  const again = compileText(document((app.address() as { port: number }).port));
  await plane.apply(again);
  using other = makeClient("h1", plane.portOf("in")!);
  expect((await other.send({ path: "/limited" })).status).toBe(429);
  app.close();
  app.closeAllConnections();
});
