// A sidecar in this process with its admin interface open, and a client that asks it.
import { type IncomingHttpHeaders, request } from "node:http";
import type { Snapshot } from "../../src/config/snapshot.ts";
import { Sidecar, type SidecarOptions } from "../../src/sidecar.ts";
import { type ProxyOptions, snapshotOf } from "../proxy/harness.ts";

export interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Operated extends AsyncDisposable {
  readonly sidecar: Sidecar;
  ask(path: string, method?: string, headers?: Record<string, string>): Promise<Got>;
  /** Through the proxy. */
  send(path: string): Promise<Got>;
}

/** The least configuration that works, with an admin interface on a free port. */
export function operatedSnapshot(options: ProxyOptions): Snapshot {
  return { ...snapshotOf(options), admin: { address: "127.0.0.1", port: 0 } };
}

export async function operate(proxy: ProxyOptions, more: SidecarOptions = {}): Promise<Operated> {
  const sidecar = new Sidecar(more);
  await sidecar.apply(operatedSnapshot(proxy));
  return {
    sidecar,
    ask: (path, method, headers) => ask(sidecar.adminPort!, path, method, headers),
    send: (path) => ask(sidecar.plane.portOf("in")!, path),
    [Symbol.asyncDispose]: () => sidecar[Symbol.asyncDispose](),
  };
}

export function ask(
  port: number,
  path: string,
  method = "GET",
  headers: Record<string, string> = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false });
    asked.on("error", reject);
    asked.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    asked.end();
  });
}
