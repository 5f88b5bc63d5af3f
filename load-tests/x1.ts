// Experiment X1: slow previews must not slow everything else. The same load and the same fault,
// without breaker and bulkhead (-e PROTECTION=off) or with them (on, the default).
//
//   k6 run -e EDGE=http://127.0.0.1:8080 -e PREVIEW=http://127.0.0.1:8081 -e PROTECTION=off x1.ts
//
// Run each side on processes that have seen nothing before. -e EXPECT=on|off asserts the other
// side's thresholds: with PROTECTION=off, EXPECT=on must fail, or the test could not tell whether
// there is a breaker at all.
//
// Only requests that were due during the fault are judged. k6 does not say when an arrival was due,
// but at a constant rate the nth is due n gaps after the first; its time counts from then, so that
// an arrival which k6 itself starts late is not flattered.
import { sleep } from "k6";
import { scenario as execution } from "k6/execution";
import { Counter, Rate } from "k6/metrics";
import type { ConstantArrivalRateScenario, Options } from "k6/options";
import {
  control,
  edgeUrl,
  getNotes,
  getPreview,
  hasOpenedSince,
  previewUrl,
} from "./lib/shownotes.ts";
import { scenario as x1 } from "./lib/x1-scenario.ts";

export { handleSummary } from "./lib/summary.ts";

// Longer than any request hangs here.
const TIMEOUT_MS = 3 * x1.preview.faultDelayMs;
const { ratePerSecond, previewShare } = x1.load;
const { warmUp, fault, recovery } = x1.phasesMs;
const durationMs = warmUp + fault + recovery;
const notesPerSecond = Math.round(ratePerSecond * (1 - previewShare));
const previewsPerSecond = Math.round(ratePerSecond * previewShare);

const protection = oneOf("PROTECTION", "on");
const expected = oneOf("EXPECT", protection);

const inTime = new Rate("x1_notes_in_time");
const judged = new Counter("x1_notes_judged");
const opened = new Rate("x1_breaker_opened");

export const options: Options = {
  scenarios: {
    notes: arrivalsOf("notes", notesPerSecond),
    previews: arrivalsOf("previews", previewsPerSecond),
    // One act, not a load: it begins with the others.
    operator: { ...arrivalsOf("operate", 1), timeUnit: "1h", preAllocatedVUs: 1 },
  },
  thresholds: {
    // The share of nothing is below any limit: first of all there must be something to judge.
    x1_notes_judged: [`count>=${Math.floor((0.95 * notesPerSecond * fault) / 1_000)}`],
    dropped_iterations: ["count==0"],
    ...(expected === "off"
      ? { x1_notes_in_time: [`rate<${x1.thresholds.off.othersWithinMax}`] }
      : {
          x1_notes_in_time: [`rate>=${x1.thresholds.on.othersWithinMin}`],
          x1_breaker_opened: ["rate==1"],
        }),
  },
};

export function setup(): void {
  control(previewUrl, "fault", { on: false });
  control(edgeUrl, "protection", { on: protection === "on" });
}

export function notes(): void {
  const n = execution.iterationInTest;
  const dueMs = (n * 1_000) / notesPerSecond;
  const answer = getNotes(n, TIMEOUT_MS);
  if (dueMs < warmUp || dueMs >= warmUp + fault) return;
  const tookMs = Date.now() - execution.startTime - dueMs;
  judged.add(1);
  inTime.add(answer.status === 200 && tookMs <= x1.withinMs);
}

export function previews(): void {
  getPreview(execution.iterationInTest, TIMEOUT_MS);
}

export function operate(): void {
  sleepUntil(execution.startTime + warmUp);
  const brokenWallMs = Date.now();
  control(previewUrl, "fault", { on: true });
  sleepUntil(execution.startTime + warmUp + fault);
  control(previewUrl, "fault", { on: false });
  opened.add(hasOpenedSince(brokenWallMs));
}

export function teardown(): void {
  control(previewUrl, "fault", { on: false });
  control(edgeUrl, "protection", { on: true });
}

// As many VUs as arrivals: none ever waits for an earlier one.
function arrivalsOf(exec: string, rate: number): ConstantArrivalRateScenario {
  return {
    executor: "constant-arrival-rate",
    exec,
    rate,
    timeUnit: "1s",
    duration: `${durationMs}ms`,
    preAllocatedVUs: Math.ceil((rate * durationMs) / 1_000) + 1,
    gracefulStop: `${TIMEOUT_MS}ms`,
  };
}

function sleepUntil(wallMs: number): void {
  sleep(Math.max(0, wallMs - Date.now()) / 1_000);
}

function oneOf(name: string, usual: "on" | "off"): "on" | "off" {
  const value = __ENV[name] ?? usual;
  if (value === "on" || value === "off") return value;
  throw new RangeError(`${name} must be on or off, got "${value}"`);
}
