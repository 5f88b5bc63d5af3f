// X3 in virtual time: the plans of arrivals, the edge's token bucket and policies and billing's
// workers as they are, a clock moved by hand, and no network between them. Exact, and repeatable.
import { RateLimiter, tokenBucket } from "@compendium/rate-limiter";
import { encodeTimeoutMs, pipelineOn } from "@compendium/resilience";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { BillingError, billingPolicies } from "../src/billing-policies.ts";
import type { Checkout } from "../src/checkouts.ts";
import { planArrivals } from "../src/load.ts";
import { Workers } from "../src/workers.ts";
import type { X2Scenario } from "../src/x2-scenario.ts";
import { judge } from "../src/x3.ts";
import type { X3Scenario } from "../src/x3-scenario.ts";

/** Runs one side; what is measured, and when, is as in x3.ts. */
export async function simulateX3(
  scenario: X3Scenario,
  behind: X2Scenario,
  limits: boolean,
): Promise<ReturnType<typeof judge>> {
  const { others, flood, phasesMs } = scenario;
  const clock = new ManualClock();
  const bucket = new RateLimiter(tokenBucket(scenario.workspaceLimit), { clock });
  const workers = new Workers(behind.billing, new SeededRandom(behind.billing.seed), clock);
  const { outer, inner } = billingPolicies(behind, "budget", new SeededRandom(flood.seed));
  const hop = pipelineOn(clock, ...outer, ...inner);
  const charge = () =>
    hop.call(
      (call) => {
        const served = workers.serve(() => {}, Number(encodeTimeoutMs(call.remainingMs())));
        // As with HTTP: who gives up hangs up, and billing goes on all the same.
        return new Promise<void>((resolve, reject) => {
          call.onAbort(reject);
          served.then(resolve, () => reject(new BillingError(503, "refused")));
        });
      },
      { idempotent: true },
    );

  const send = (
    load: X3Scenario["flood"],
    durationMs: number,
    workspace: (n: number) => string,
  ) => {
    const checkouts: Checkout[] = [];
    const startedAt = clock.now();
    const plan = planArrivals({ ...load, durationMs, previewShare: 0 });
    for (const [n, { dueMs }] of plan.entries()) {
      const end = (status: number) =>
        checkouts.push({ dueMs, status, tookMs: clock.now() - startedAt - dueMs });
      clock.setTimer(startedAt + dueMs, () => {
        if (limits && !bucket.take(workspace(n)).allowed) return end(429);
        charge().then(
          () => end(200),
          () => end(504),
        );
      });
    }
    return checkouts;
  };
  const { warmUp, flood: floodMs, recovery } = phasesMs;
  const quiet = send(others, warmUp + floodMs + recovery, (n) => `${n % others.workspaces}`);
  await clock.advanceToAsync(warmUp);
  const flooded = send(flood, floodMs, () => "flood");
  await clock.advanceToAsync(warmUp + floodMs + recovery + 4_000);
  const during = quiet.filter(({ dueMs }) => dueMs >= warmUp && dueMs < warmUp + floodMs);
  flooded.sort((a, b) => a.dueMs - b.dueMs);
  return judge(during, flooded, scenario);
}
