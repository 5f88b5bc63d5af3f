// X4 in virtual time: the edge's own pipeline, the preview service's own stragglers, and a clock
// moved by hand. The network takes no time.
import type { ManualClock } from "@compendium/runtime";
import { type AskPreview, PreviewClient } from "../src/edge-preview.ts";
import { straggling } from "../src/preview.ts";
import { scenario as x1 } from "../src/scenario.ts";
import type { X4Scenario } from "../src/x4-scenario.ts";

/** What came of it. */
export interface X4Simulation {
  samples: { tookMs: number }[];
  /** Calls that reached the service. */
  calls: number;
  /** Those among them that were given up. */
  abandoned: number;
}

/** A preview service on a clock: it takes as long as `delayMs` says, unless it is aborted. */
export function previewsOn(clock: ManualClock, delayMs: () => number) {
  const seen = { calls: 0, abandoned: 0 };
  const ask: AskPreview = (link, signal) => {
    seen.calls++;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimer(clock.now() + delayMs(), () => {
        resolve({ url: link, title: `A page about ${link}` });
      });
      signal.addEventListener("abort", () => {
        seen.abandoned++;
        timer[Symbol.dispose]();
        reject(signal.reason);
      });
    });
  };
  return { ask, seen };
}

/** Asks for so many previews, one every gap. */
export async function simulateX4(
  scenario: X4Scenario,
  options: { hedging: boolean; previews: number; clock: ManualClock },
): Promise<X4Simulation> {
  const { hedging, previews, clock } = options;
  const { ask, seen } = previewsOn(clock, straggling(scenario.preview));
  const { client } = scenario;
  const edge = new PreviewClient(ask, { breaker: x1.breaker, client }, clock);
  edge.hedge(hedging);
  const samples: { tookMs: number }[] = [];
  // Not in step with the wheel of deadlines.
  const gapMs = 1_000 / scenario.load.ratePerSecond + 0.0137;
  for (let i = 0; i < previews; i++) {
    const startedAt = clock.now();
    void edge.get(`${i}`, new AbortController().signal).then(() => {
      samples.push({ tookMs: clock.now() - startedAt });
    });
    await clock.advanceAsync(gapMs);
  }
  await clock.advanceAsync(2 * scenario.preview.stragglerMs);
  return { samples, ...seen };
}
