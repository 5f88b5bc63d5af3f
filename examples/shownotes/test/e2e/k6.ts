// What a run of k6 says, whoever ran it: the host or a container.
import { expect } from "vitest";
import { scenario } from "../../src/scenario.ts";
import type { Ended } from "./run.ts";

/** k6's exit code when a threshold was crossed. */
export const THRESHOLD_CROSSED = 99;

/** k6's exit code must be `code`; otherwise its output is the failure. */
export function expectExit({ code: actual, output }: Ended, code: number): void {
  expect(actual, output).toBe(code);
}

/** The share of X1's other requests that were answered in time, during the fault. */
export function shareInTime({ output }: Ended): number {
  const [, percent, count] = /x1_notes_in_time .* ([\d.]+) % of (\d+)/.exec(output) ?? [];
  const { load, phasesMs } = scenario;
  const sent = (load.ratePerSecond * (1 - load.previewShare) * phasesMs.fault) / 1_000;
  // A share of next to nothing would prove next to nothing.
  expect(Number(count), output).toBeGreaterThan(0.9 * sent);
  return Number(percent) / 100;
}
