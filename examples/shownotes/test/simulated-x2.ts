// X2 in virtual time: the plan of arrivals, the edge's policies, billing's workers and ledger as
// they are, a clock moved by hand, and no network between them. Exact, and repeatable.
import { encodeTimeoutMs, pipelineOn } from "@compendium/resilience";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { BillingError, billingPolicies } from "../src/billing-policies.ts";
import type { Checkout } from "../src/checkouts.ts";
import { Ledger } from "../src/ledger.ts";
import { planArrivals } from "../src/load.ts";
import { Workers } from "../src/workers.ts";
import { judge, type X2Measurement } from "../src/x2.ts";
import type { Variant, X2Scenario } from "../src/x2-scenario.ts";

/** Runs one variant; what is measured, and when, is as in x2.ts. */
export async function simulateX2(scenario: X2Scenario, variant: Variant): Promise<X2Measurement> {
  const { load, phasesMs, billing } = scenario;
  const { retries, shedding } = scenario.variants[variant];
  const clock = new ManualClock();
  const workers = new Workers(billing, new SeededRandom(billing.seed), clock);
  const ledger = new Ledger({ keysMax: 10_000, keptForMs: 600_000 });
  const { outer, inner } = billingPolicies(scenario, retries, new SeededRandom(load.seed));
  const hop = pipelineOn(clock, ...outer, ...inner);
  let attempts = 0;

  const checkOut = (key: string) =>
    hop.call(
      (call) => {
        attempts++;
        const leftMs = shedding ? Number(encodeTimeoutMs(call.remainingMs())) : Infinity;
        const charge = { episode: "1", amountCents: 900 };
        const served = workers.serve(() => ledger.charge(key, charge, clock.now()), leftMs);
        // As with HTTP: who gives up hangs up, and billing goes on all the same.
        return new Promise((resolve, reject) => {
          call.onAbort(reject);
          served.then(resolve, () => reject(new BillingError(503, "refused")));
        });
      },
      { idempotent: true },
    );

  const healedMs = phasesMs.warmUp + phasesMs.blip;
  const durationMs = healedMs + phasesMs.recovery;
  const checkouts: Checkout[] = [];
  const arrivals = planArrivals({ ...load, previewShare: 0, durationMs });
  for (const [i, { dueMs }] of arrivals.entries()) {
    const end = (status: number) => checkouts.push({ dueMs, status, tookMs: clock.now() - dueMs });
    clock.setTimer(dueMs, () => {
      checkOut(`key-${i}`).then(
        () => end(200),
        () => end(504),
      );
    });
  }
  const slow = (factor: number) => () => {
    workers.slowdown = factor;
  };
  clock.setTimer(phasesMs.warmUp, slow(billing.slowdown));
  clock.setTimer(healedMs, slow(1));
  await clock.advanceToAsync(durationMs + 4_000);
  return {
    ...judge(checkouts, healedMs, durationMs, scenario),
    attemptsPerCheckout: attempts / arrivals.length,
    ...ledger.stats(),
    shed: workers.stats().shed,
  };
}
