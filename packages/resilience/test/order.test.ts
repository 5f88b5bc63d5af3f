// The README quotes what `npm run order` prints: the figures come from virtual time and fixed
// seeds, so they must be the same here.
import { readFileSync } from "node:fs";
import path from "node:path";
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  adaptiveLimit,
  bulkhead,
  circuitBreaker,
  deadline,
  fallback,
  gradient2,
  hedge,
  loadShedder,
  pipeline,
  retry,
  singleFlight,
  throttle,
  timeout,
} from "@compendium/resilience";
import { expect, test } from "vitest";
import { experiments, tableOf } from "../bench/experiments.ts";

const readme = readFileSync(path.join(import.meta.dirname, "../README.md"), "utf8");

// The formatter aligns the columns of tables, and breaks lines of prose.
const plain = (text: string): string => text.replace(/-{3,}/g, "---").replace(/\s+/g, " ");

test("the README's rule of thumb is an order that works, for clients and for servers", async () => {
  const attempt = [circuitBreaker(new CircuitBreaker()), timeout({ timeoutMs: 1_000 })];
  const limits = [bulkhead({ concurrencyMax: 1 }), adaptiveLimit({ limit: gradient2() })];
  for (const limit of limits) {
    const client = pipeline(
      fallback(() => "instead"),
      deadline({ deadlineInMs: 1_000 }),
      singleFlight(),
      throttle(),
      retry(),
      hedge(),
      ...attempt,
      limit,
    );
    expect(await client.call(() => "done", { key: "a", idempotent: true })).toBe("done");
    const server = pipeline(loadShedder(), deadline({ deadlineInMs: 1_000 }), limit);
    expect(await server.call(() => "done")).toBe("done");
  }
});

test.each(experiments.map((experiment) => [experiment.name, experiment] as const))(
  "the README shows what comes of it: %s",
  async (_, experiment) => {
    const quoted = [`_${experiment.asks}_`, "", ...(await tableOf(experiment))].join("\n");
    expect(plain(readme)).toContain(plain(quoted));
  },
);
