// The edge and the preview service in virtual time: the real plan of arrivals, the real limit, the
// real circuit breaker, and a clock moved by hand. It takes milliseconds, is exact, and repeats.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { ManualClock } from "@compendium/runtime";
import { InFlightLimit } from "../src/in-flight-limit.ts";
import { planArrivals, type Sample } from "../src/load.ts";
import { percentile, shareWithin } from "../src/measure.ts";
import type { Scenario } from "../src/scenario.ts";
import type { Prediction } from "../src/theory.ts";

/** Runs the scenario; what is measured, and when, is as in x1.ts. */
export function simulate(scenario: Scenario, protection: boolean): Prediction {
  const { load, phasesMs, preview, edge } = scenario;
  const clock = new ManualClock();
  const limit = new InFlightLimit(edge.inFlightMax, Number.POSITIVE_INFINITY);
  const breaker = new CircuitBreaker({ ...scenario.breaker, clock });
  const brokenAt = phasesMs.warmUp;
  const healedAt = brokenAt + phasesMs.fault;
  const isBroken = () => clock.now() >= brokenAt && clock.now() < healedAt;

  const transitions: { to: string; atMs: number }[] = [];
  breaker.on("transition", ({ to, atMs }) => transitions.push({ to, atMs: atMs - brokenAt }));
  // Switched off before anybody counts, as in a process that is started so.
  if (!protection) {
    breaker.disable();
    transitions.length = 0;
  }
  const others: Sample[] = [];
  let previewCalls = 0;

  const askPreview = (leave: () => void) => {
    const permit = breaker.acquire();
    if (!permit.admitted) return leave();
    if (isBroken()) previewCalls++;
    const tookMs = isBroken() ? preview.faultDelayMs : preview.delayMs;
    clock.setTimer(clock.now() + tookMs, () => {
      permit.succeed();
      leave();
    });
  };
  const durationMs = phasesMs.warmUp + phasesMs.fault + phasesMs.recovery;
  for (const arrival of planArrivals({ ...load, durationMs })) {
    clock.setTimer(arrival.dueMs, () => {
      let started = false;
      const leave = limit.enter(() => {
        started = true;
        // Where there is a place at once, `leave` is known only in the next step.
        clock.setTimer(clock.now(), () => {
          if (arrival.route === "preview") return askPreview(() => leave?.());
          others.push({ ...arrival, status: 200, tookMs: clock.now() - arrival.dueMs });
          leave?.();
        });
      });
      if (!started && leave === undefined) throw new Error("the queue has no bound here");
    });
  }
  clock.advanceTo(durationMs + 2 * preview.faultDelayMs);

  const during = others.filter(({ dueMs }) => dueMs >= brokenAt && dueMs < healedAt);
  return {
    othersWithin: shareWithin(during, scenario.withinMs),
    othersP99Ms: percentile(during, 0.99),
    previewCalls,
    transitions,
  };
}
