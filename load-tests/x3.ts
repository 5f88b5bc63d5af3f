// Experiment X3: one workspace floods billing, and nobody else must notice. The same checkouts and
// the same flood, without the edge's token bucket (-e LIMITS=off) or with it (on, the default).
//
//   k6 run -e EDGES=http://127.0.0.1:8080,http://127.0.0.1:8090 -e LIMITS=off x3.ts
//
// EDGES are replicas, which take turns; by default there is one, EDGE. However many there are, the
// flood has one limit: replicas that count for themselves are found out. -e EXPECT=on|off asserts
// the other side's thresholds: with LIMITS=off, EXPECT=on must fail.
//
// In any interval t a token bucket lets through at most burst + rate × t. The interval here is that
// of the flood, and only answers within it count: what was let through later is none of its.
import { scenario as execution } from "k6/execution";
import { Counter, Rate, Trend } from "k6/metrics";
import type { ConstantArrivalRateScenario, Options } from "k6/options";
import { checkOut } from "./lib/billing.ts";
import { control, edgeUrls } from "./lib/shownotes.ts";
import { scenario as x3 } from "./lib/x3-scenario.ts";

export { handleSummary } from "./lib/summary.ts";

const { others, flood, workspaceLimit, thresholds } = x3;
const { warmUp, flood: floodMs, recovery } = x3.phasesMs;
// Longer than all attempts together take, and the waits between them.
const TIMEOUT_MS = 2 * x3.withinMs;
const admittedMax =
  workspaceLimit.burst + Math.floor((workspaceLimit.limit * floodMs) / workspaceLimit.windowMs);

const limits = oneOf("LIMITS", "on");
const expected = oneOf("EXPECT", limits);

const judged = new Counter("x3_others_judged");
const inTime = new Rate("x3_others_in_time");
const took = new Trend("x3_others_ms", true);
const admitted = new Counter("x3_flood_admitted");
const wait = new Rate("x3_refusals_with_retry_after");

export const options: Options = {
  scenarios: {
    others: arrivalsOf("other", others.ratePerSecond, 0, warmUp + floodMs + recovery),
    flood: arrivalsOf("flooding", flood.ratePerSecond, warmUp, floodMs),
  },
  thresholds: {
    // The share of nothing is below any limit: first of all there must be something to judge.
    x3_others_judged: [`count>=${Math.floor((0.95 * others.ratePerSecond * floodMs) / 1_000)}`],
    "dropped_iterations{scenario:others}": ["count==0"],
    "http_reqs{scenario:flood}": [
      `count>=${Math.floor((0.95 * flood.ratePerSecond * floodMs) / 1_000)}`,
    ],
    ...(expected === "off"
      ? { x3_others_in_time: [`rate<=${thresholds.off.othersWithinMax}`] }
      : {
          x3_others_in_time: [`rate>=${thresholds.on.othersWithinMin}`],
          x3_flood_admitted: [
            `count<=${admittedMax}`,
            `count>=${Math.floor(thresholds.on.admittedShareMin * admittedMax)}`,
          ],
          x3_refusals_with_retry_after: ["rate==1"],
        }),
  },
};

/** The run's own workspaces: limits outlive processes, where they are kept in Redis. */
export function setup(): { run: string } {
  for (const edge of edgeUrls) {
    control(edge, "limits", { on: limits === "on" });
    // The breaker stands aside: what is seen is what the limit does.
    control(edge, "billing", { breaker: false });
  }
  return { run: Date.now().toString(36) };
}

export function other({ run }: { run: string }): void {
  const n = execution.iterationInTest;
  const dueMs = (n * 1_000) / others.ratePerSecond;
  const episode = `other${n % others.workspaces}_${run}-1`;
  const { status } = checkOut(`k6-other-${run}-${n}`, TIMEOUT_MS, { episode, edge: edgeFor(n) });
  if (dueMs < warmUp || dueMs >= warmUp + floodMs) return;
  const tookMs = Date.now() - execution.startTime - dueMs;
  judged.add(1);
  took.add(status === 200 ? tookMs : TIMEOUT_MS);
  inTime.add(status === 200 && tookMs <= x3.withinMs);
}

export function flooding({ run }: { run: string }): void {
  const n = execution.iterationInTest;
  const key = `k6-flood-${run}-${n}`;
  const episode = `flood_${run}-1`;
  const answer = checkOut(key, TIMEOUT_MS, { episode, edge: edgeFor(n) });
  if (answer.status === 429) wait.add(Number(answer.headers["Retry-After"]) >= 1);
  else if (Date.now() - execution.startTime <= floodMs) admitted.add(1);
}

export function teardown(): void {
  for (const edge of edgeUrls) {
    control(edge, "limits", { on: true });
    control(edge, "billing", { breaker: true });
  }
}

function edgeFor(n: number): string {
  return edgeUrls[n % edgeUrls.length] as string;
}

// As many VUs as can be under way: none ever waits for an earlier one.
function arrivalsOf(
  exec: string,
  rate: number,
  startMs: number,
  durationMs: number,
): ConstantArrivalRateScenario {
  return {
    executor: "constant-arrival-rate",
    exec,
    rate,
    timeUnit: "1s",
    startTime: `${startMs}ms`,
    duration: `${durationMs}ms`,
    preAllocatedVUs: Math.ceil((rate * TIMEOUT_MS) / 1_000) + 1,
    gracefulStop: `${TIMEOUT_MS}ms`,
  };
}

function oneOf(name: string, usual: "on" | "off"): "on" | "off" {
  const value = __ENV[name] ?? usual;
  if (value === "on" || value === "off") return value;
  throw new RangeError(`${name} must be on or off, got "${value}"`);
}
