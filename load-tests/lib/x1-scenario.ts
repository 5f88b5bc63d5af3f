// Experiment X1 as data, read from the file that the services and the load generator of
// examples/shownotes read: what is measured is what was written down, once.
//
// k6 takes no import of JSON; a scenario has to be opened and parsed.

/** The part of a scenario that is sent, broken and expected here. */
export interface Scenario {
  load: { ratePerSecond: number; previewShare: number };
  phasesMs: { warmUp: number; fault: number; recovery: number };
  preview: { faultDelayMs: number };
  /** A request counts as answered in time within this. */
  withinMs: number;
  thresholds: { off: { othersWithinMax: number }; on: { othersWithinMin: number } };
}

export const scenario = JSON.parse(open(import.meta.resolve("../scenarios/x1.json"))) as Scenario;
