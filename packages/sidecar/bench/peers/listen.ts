// What the proxies of npm have in common: plain HTTP/1.1, or TLS 1.3 with the certificate that they
// are given, and a line that says where they listen.
import { readFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";

/** What a peer is started with. */
export interface PeerArguments {
  /** `http://127.0.0.1:…` */
  readonly upstream: string;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
}

/** Reads `--upstream PORT` and `--pem FILE`, a key and a certificate in one file. */
export function readArguments(): PeerArguments {
  const { values } = parseArgs({
    options: { upstream: { type: "string", default: "" }, pem: { type: "string" } },
  });
  const pem = values.pem === undefined ? undefined : readFileSync(values.pem, "utf8");
  return {
    upstream: `http://127.0.0.1:${values.upstream}`,
    tls: pem === undefined ? undefined : { cert: pem, key: pem },
  };
}

/** Serves, and says where. */
export function serve({ tls }: PeerArguments, handle: RequestListener): void {
  const server: Server = tls
    ? createTlsServer({ ...tls, minVersion: "TLSv1.3" }, handle)
    : createServer(handle);
  server.listen(0, "127.0.0.1", () => sayPort((server.address() as AddressInfo).port));
}

/** The line that main.ts waits for. */
export function sayPort(port: number): void {
  console.log(`listening: 127.0.0.1:${port}`);
  process.once("SIGTERM", () => process.exit());
}
