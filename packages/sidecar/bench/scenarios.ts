// What is asked of each proxy. Scenarios of one setting share its processes.
import type { Asking } from "./load/slice.ts";
import type { Setting } from "./proxies/setting.ts";

/** One row of the table. */
export interface Scenario {
  readonly name: string;
  readonly asking: Asking;
  /** The bar: no more processor time than these take. Such a scenario has more rounds. */
  readonly noMoreThan?: readonly string[];
  /** A bound on each slice, besides its time. */
  readonly requestsMax?: number;
}

/** Scenarios that one set of processes goes through. */
export interface Group {
  readonly protocol: Setting["protocol"];
  readonly isTls: boolean;
  readonly scenarios: readonly Scenario[];
}

// A machine has some 28,000 ports towards one address, and a closed connection keeps its own for a
// minute: warm-up and rounds together must stay below.
const FRESH_REQUESTS_MAX = 3_000;

export const groups: readonly Group[] = [
  {
    protocol: "http1",
    isTls: false,
    scenarios: [
      {
        name: "GET, 42 B, kept connections",
        asking: { kind: "kept", path: "/small" },
        noMoreThan: ["http-proxy-3", "httpxy"],
      },
      { name: "POST, 1 KiB both ways", asking: { kind: "kept", path: "/echo" } },
      { name: "GET, 64 KiB", asking: { kind: "kept", path: "/64k" } },
      {
        name: "GET, 42 B, a connection each",
        asking: { kind: "fresh", path: "/small-and-close" },
        requestsMax: FRESH_REQUESTS_MAX,
      },
    ],
  },
  {
    protocol: "grpc",
    isTls: false,
    scenarios: [{ name: "gRPC, unary, 100 B both ways", asking: { kind: "grpc" } }],
  },
  {
    protocol: "http1",
    isTls: true,
    scenarios: [{ name: "GET, 42 B, kept, TLS 1.3", asking: { kind: "kept", path: "/small" } }],
  },
];
