// nginx with one process and nothing to do but to pass on: no log, no fields added, connections
// kept on both sides for as long as the bench lasts.
import type { CertificateFiles, Placed } from "./setting.ts";

const forever = 1_000_000_000;

/** A configuration for `nginx -c`; its files stay in the folder. */
export function nginxConfig(placed: Placed): string {
  const { protocol, port, upstreamPort, tls, folder } = placed;
  const modes = `${protocol === "grpc" ? " http2" : ""}${tls === undefined ? "" : " ssl"}`;
  return `daemon off;
master_process off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr crit;

events {
  worker_connections 4000;
}

http {
  access_log off;
  keepalive_requests ${forever};
  keepalive_timeout 5m;
${temporary.map((name) => `  ${name}_temp_path ${folder}/nginx-${name};`).join("\n")}

  upstream app {
    server 127.0.0.1:${upstreamPort};
    keepalive 256;
    keepalive_requests ${forever};
  }

  server {
    listen 127.0.0.1:${port}${modes};
${tls === undefined ? "" : tlsLines(tls)}
    location / {
${protocol === "grpc" ? "      grpc_pass grpc://app;" : http1Lines}
    }
  }
}
`;
}

// Folders that it makes at the start, whether it needs them or not.
const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

const http1Lines = `      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_max_temp_file_size 0;`;

function tlsLines({ certificateFile, keyFile }: CertificateFiles): string {
  return `    ssl_protocols TLSv1.3;
    ssl_certificate ${certificateFile};
    ssl_certificate_key ${keyFile};
`;
}
