// The HTTP probe (Envoy, "HTTP health checker"): a GET whose status must be among the expected
// ones. Any other status is an answer, "unhealthy"; no status is none.
import { request } from "node:http";
import type { Host } from "../../cluster/host.ts";
import type { Probe } from "../health-checker.ts";
import type { Connect } from "./connect.ts";

/** What is asked and what is fine. */
export interface HttpCheck {
  /** For the Host field; empty: the host's name, or its address. */
  readonly host: string;
  readonly path: string;
  /** Ranges of status codes, the end excluded. */
  readonly expected: readonly (readonly [from: number, to: number])[];
}

/** Probes a path. */
export function httpProbe(check: HttpCheck, connect: Connect): Probe {
  return async (host, signal) => {
    const socket = await connect(host, signal);
    try {
      const status = await ask(check, host, () => socket, signal);
      const isExpected = check.expected.some(([from, to]) => status >= from && status < to);
      return isExpected ? "healthy" : "unhealthy";
    } finally {
      socket.destroy();
    }
  };
}

function ask(
  check: HttpCheck,
  host: Host,
  createConnection: () => Awaited<ReturnType<Connect>>,
  signal: AbortSignal,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = {
    host: check.host || host.hostname || host.address,
    "user-agent": "compendium-sidecar/health-check",
    connection: "close",
  };
  const asked = request({ path: check.path, headers, createConnection, signal });
  asked.once("response", (response) => {
    // To the end: a host that hangs in the middle of its answer is not well.
    response.once("end", () => resolve(response.statusCode ?? 0));
    response.once("error", reject);
    response.resume();
  });
  asked.on("error", reject);
  asked.end();
  return promise;
}
