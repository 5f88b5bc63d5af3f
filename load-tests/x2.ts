// Experiment X2: a retry storm outlives the blip that began it. The same checkouts and the same
// second in which billing is slow, under one of four ways to retry: -e VARIANT=naive, jitter,
// budget, or budget+shed (the default).
//
//   k6 run -e EDGE=http://127.0.0.1:8080 -e BILLING=http://127.0.0.1:8082 -e VARIANT=naive x2.ts
//
// Run each on processes that have seen nothing before. naive and jitter must collapse, and stay so;
// budget must recover, and budget+shed within a second. -e EXPECT=budget+shed asserts another
// variant's thresholds: with VARIANT=jitter that must fail.
//
// As in x1.ts, the nth arrival is due n gaps after the first, and its time counts from then.
import { sleep } from "k6";
import { scenario as execution } from "k6/execution";
import { Counter, Rate } from "k6/metrics";
import type { ConstantArrivalRateScenario, Options } from "k6/options";
import { billingUrl, chargedOnce, checkOut } from "./lib/billing.ts";
import { control, edgeUrl } from "./lib/shownotes.ts";
import { type Variant, scenario as x2 } from "./lib/x2-scenario.ts";

export { handleSummary } from "./lib/summary.ts";

// Longer than four attempts and the waits between them take.
const TIMEOUT_MS = 2 * x2.withinMs;
const { ratePerSecond } = x2.load;
const { warmUp, blip, recovery } = x2.phasesMs;
const healedMs = warmUp + blip;
const durationMs = healedMs + recovery;
const { collapsed, recovered, atOnce } = x2.thresholds;

const variant = variantOf("VARIANT", "budget+shed");
const expected = variantOf("EXPECT", variant);

const judged = new Counter("x2_checkouts_judged");
const lastSecond = new Rate("x2_goodput_last_second");
const afterwards = new Rate("x2_goodput_afterwards");
const once = new Rate("x2_charged_once");

export const options: Options = {
  scenarios: {
    checkouts: arrivalsOf("checkOuts", ratePerSecond),
    // One act, not a load: it begins with the others.
    operator: { ...arrivalsOf("operate", 1), timeUnit: "1h", preAllocatedVUs: 1 },
  },
  thresholds: {
    // The share of nothing is below any limit: first of all there must be something to judge.
    x2_checkouts_judged: [`count>=${Math.floor(0.95 * ratePerSecond)}`],
    dropped_iterations: ["count==0"],
    x2_charged_once: ["rate==1"],
    ...(expected === "naive" || expected === "jitter"
      ? { x2_goodput_last_second: [`rate<=${collapsed.lastSecondMax}`] }
      : { x2_goodput_last_second: [`rate>=${recovered.lastSecondMin}`] }),
    ...(expected === "budget+shed" && {
      x2_goodput_afterwards: [`rate>=${atOnce.goodputMin}`],
    }),
  },
};

export function setup(): void {
  const { retries, shedding } = x2.variants[variant];
  control(billingUrl, "fault", { on: false });
  control(billingUrl, "shedding", { on: shedding });
  // The breaker stands aside: what is seen is what retries do.
  control(edgeUrl, "billing", { retries, breaker: false });
}

export function checkOuts(): void {
  const n = execution.iterationInTest;
  const dueMs = (n * 1_000) / ratePerSecond;
  const key = `k6-${variant}-${execution.startTime}-${n}`;
  // Several workspaces, so that none of them meets its limit.
  const { status } = checkOut(key, TIMEOUT_MS, { episode: `${1 + (n % 35)}` });
  const tookMs = Date.now() - execution.startTime - dueMs;
  const good = status === 200 && tookMs <= x2.withinMs;
  if (dueMs >= healedMs + atOnce.fromMs) afterwards.add(good);
  if (dueMs < durationMs - 1_000) return;
  judged.add(1);
  lastSecond.add(good);
}

export function operate(): void {
  sleepUntil(execution.startTime + warmUp);
  control(billingUrl, "fault", { on: true });
  sleepUntil(execution.startTime + healedMs);
  control(billingUrl, "fault", { on: false });
  // Once everybody has been answered.
  sleepUntil(execution.startTime + durationMs + x2.withinMs);
  once.add(chargedOnce());
}

export function teardown(): void {
  control(billingUrl, "fault", { on: false });
  control(billingUrl, "shedding", { on: true });
  control(edgeUrl, "billing", { retries: "budget", breaker: true });
}

// As many VUs as can be under way: none ever waits for an earlier one.
function arrivalsOf(exec: string, rate: number): ConstantArrivalRateScenario {
  return {
    executor: "constant-arrival-rate",
    exec,
    rate,
    timeUnit: "1s",
    duration: `${durationMs}ms`,
    preAllocatedVUs: Math.ceil((rate * TIMEOUT_MS) / 1_000) + 1,
    gracefulStop: `${TIMEOUT_MS}ms`,
  };
}

function sleepUntil(wallMs: number): void {
  sleep(Math.max(0, wallMs - Date.now()) / 1_000);
}

function variantOf(name: string, usual: Variant): Variant {
  const value = __ENV[name] ?? usual;
  if (Object.keys(x2.variants).includes(value)) return value as Variant;
  throw new RangeError(`${name} must be ${Object.keys(x2.variants).join(", ")}, got "${value}"`);
}
