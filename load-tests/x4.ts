// Experiment X4: one slow call in fifty must not be the page that everybody waits for. The same
// previews from a service with stragglers, without hedging (-e HEDGING=off) or with it (on, the
// default).
//
//   k6 run -e EDGE=http://127.0.0.1:8080 -e PREVIEW=http://127.0.0.1:8081 -e HEDGING=off x4.ts
//
// Run each side on processes that have seen nothing before: they warm up first, and the hedge
// measures meanwhile how long calls take. -e EXPECT=on|off asserts the other side's thresholds:
// with HEDGING=off, EXPECT=on must fail, or nobody could tell whether anything is hedged at all.
//
// The preview service is asked how many calls it has seen after the warm-up, when nothing is under
// way, and again at the end: what lies between, beyond one call for each preview, are the hedges.
import { sleep } from "k6";
import { scenario as execution } from "k6/execution";
import { Counter, Rate, Trend } from "k6/metrics";
import type { ConstantArrivalRateScenario, Options } from "k6/options";
import {
  control,
  edgeUrl,
  getPreview,
  hasTitle,
  previewCounts,
  previewUrl,
} from "./lib/shownotes.ts";
import { scenario as x4 } from "./lib/x4-scenario.ts";

export { handleSummary } from "./lib/summary.ts";

const { ratePerSecond } = x4.load;
const { warmUp, measured } = x4.phasesMs;
const { thresholds } = x4;
// Longer than a straggler takes, and so long does the load pause between the phases.
const TIMEOUT_MS = 3 * x4.preview.stragglerMs;
const PAUSE_MS = 1.5 * x4.preview.stragglerMs;
const previews = (ratePerSecond * measured) / 1_000;

const hedging = oneOf("HEDGING", "on");
const expected = oneOf("EXPECT", hedging);

const took = new Trend("x4_preview_ms", true);
const judged = new Counter("x4_previews_judged");
const titled = new Rate("x4_previews_with_title");
const extra = new Rate("x4_extra_calls");
const abandoned = new Rate("x4_losers_abandoned");

export const options: Options = {
  scenarios: {
    warmUp: arrivalsOf("warm", warmUp, 0),
    previews: arrivalsOf("preview", measured, warmUp + PAUSE_MS),
    // One act, not a load: it begins with the others.
    operator: {
      ...arrivalsOf("operate", measured, 0),
      rate: 1,
      timeUnit: "1h",
      preAllocatedVUs: 1,
      gracefulStop: `${2 * PAUSE_MS + warmUp + measured}ms`,
    },
  },
  summaryTrendStats: ["med", "p(99)", "p(99.9)", "max", "count"],
  thresholds: {
    dropped_iterations: ["count==0"],
    x4_previews_with_title: [`rate>=${1 - thresholds.bareLinkShareMax}`],
    // A percentile of nothing crosses no threshold: first of all there must be something to judge.
    x4_previews_judged: [`count>=${0.95 * previews}`],
    x4_preview_ms: [
      expected === "off"
        ? `p(99)>=${thresholds.off.p99MsMin}`
        : `p(99)<=${thresholds.on.p99RatioMax * x4.preview.stragglerMs}`,
    ],
    ...(expected === "on" && {
      // A rate over next to nothing would prove next to nothing.
      x4_extra_calls: ["rate>0", `rate<=${thresholds.on.extraShareMax}`],
      x4_losers_abandoned: [`rate>=${thresholds.on.abandonedShareMin}`],
    }),
  },
};

export function setup(): void {
  control(edgeUrl, "hedging", { on: hedging === "on" });
  control(previewUrl, "stragglers", { on: true });
}

export function warm(): void {
  getPreview(execution.iterationInTest, TIMEOUT_MS);
}

export function preview(): void {
  const n = execution.iterationInTest;
  // k6 does not say when an arrival was due; at a constant rate the nth is due n gaps after the
  // first.
  const dueMs = execution.startTime + (n * 1_000) / ratePerSecond;
  const answer = getPreview(n, TIMEOUT_MS);
  took.add(answer.status === 200 ? Date.now() - dueMs : TIMEOUT_MS);
  judged.add(1);
  titled.add(hasTitle(answer, n));
}

export function operate(): void {
  const begin = execution.startTime + warmUp + PAUSE_MS;
  // Shortly before, when the last straggler of the warm-up has long been answered.
  sleepUntil(begin - 200);
  const before = previewCounts();
  sleepUntil(begin + measured + PAUSE_MS);
  const after = previewCounts();
  const got = after.previews - before.previews;
  const extraCalls = after.calls - before.calls - got;
  addShare(extra, extraCalls, got);
  addShare(abandoned, after.abandonedCalls - before.abandonedCalls, extraCalls);
}

export function teardown(): void {
  control(previewUrl, "stragglers", { on: false });
  control(edgeUrl, "hedging", { on: true });
}

// As many VUs as arrivals: none ever waits for an earlier one.
function arrivalsOf(
  exec: string,
  durationMs: number,
  startMs: number,
): ConstantArrivalRateScenario {
  return {
    executor: "constant-arrival-rate",
    exec,
    rate: ratePerSecond,
    timeUnit: "1s",
    startTime: `${startMs}ms`,
    duration: `${durationMs}ms`,
    preAllocatedVUs: Math.ceil((ratePerSecond * durationMs) / 1_000) + 1,
    gracefulStop: `${TIMEOUT_MS}ms`,
  };
}

function addShare(rate: Rate, share: number, whole: number): void {
  for (let i = 0; i < whole; i++) rate.add(i < share);
}

function sleepUntil(wallMs: number): void {
  sleep(Math.max(0, wallMs - Date.now()) / 1_000);
}

function oneOf(name: string, usual: "on" | "off"): "on" | "off" {
  const value = __ENV[name] ?? usual;
  if (value === "on" || value === "off") return value;
  throw new RangeError(`${name} must be on or off, got "${value}"`);
}
