// HAProxy with one thread and nothing to do but to pass on: no log, no checks of health, no fields
// added. Without `http-reuse always`, the first request of each connection would open one upstream.
import type { Placed } from "./setting.ts";

/** A configuration for `haproxy -db -f`. */
export function haproxyConfig({ protocol, port, upstreamPort, tls: files }: Placed): string {
  const h2 = protocol === "grpc" ? " proto h2" : "";
  const tls =
    files === undefined ? "" : ` ssl crt ${files.pemFile} ssl-min-ver TLSv1.3 alpn http/1.1`;
  return `global
  nbthread 1
  maxconn 4000

defaults
  mode http
  timeout connect 5s
  timeout client 5m
  timeout server 5m
  http-reuse always

frontend inbound
  bind 127.0.0.1:${port}${h2}${tls}
  default_backend app

backend app
  server app 127.0.0.1:${upstreamPort}${h2}
`;
}
