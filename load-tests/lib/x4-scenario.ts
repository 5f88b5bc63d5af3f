// Experiment X4 as data, read from the file that the services and the load generator of
// examples/shownotes read; see x1-scenario.ts.

/** The part of a scenario that is sent, and what is expected. */
export interface Scenario {
  load: { ratePerSecond: number };
  phasesMs: { warmUp: number; measured: number };
  preview: { stragglerMs: number };
  thresholds: {
    bareLinkShareMax: number;
    off: { p99MsMin: number };
    on: { p99RatioMax: number; extraShareMax: number; abandonedShareMin: number };
  };
}

export const scenario = JSON.parse(open(import.meta.resolve("../scenarios/x4.json"))) as Scenario;
