// X9 as a person reads it in a terminal: measured beside predicted, off beside on.
import { styleText } from "node:util";
import { formatOffOn, type TableRow } from "./off-on-table.ts";
import { formatVerdict } from "./verdict.ts";
import type { X9Comparison } from "./x9.ts";
import type { X9Scenario } from "./x9-scenario.ts";
import type { X9Prediction } from "./x9-theory.ts";

/** Formats X9's comparison, in at most 80 columns. */
export function formatX9(comparison: X9Comparison, scenario: X9Scenario): string {
  const { load, phasesMs, weights, canary, detection } = scenario;
  const all = weights.stable + weights.canary;
  return [
    "",
    styleText("bold", `${scenario.id}  ${scenario.title}`),
    `  ${load.ratePerSecond} previews/s; ${weights.canary} call in ${all} goes to the canary, ` +
      `which fails ${percent(canary.failureShare, 0)} of them.`,
    `  With outlier detection, whoever fails ${detection.consecutive5xx} times in a row is put aside.`,
    `  Judged are ${phasesMs.measured / 1_000} s, after ${phasesMs.found / 1_000} s in which it may ` +
      "be found.",
    "",
    ...formatTable(comparison, scenario),
    "",
    ...formatVerdict(comparison.objections, VERDICT),
    "",
  ].join("\n");
}

const VERDICT = "as expected: the canary was put aside, and its failures with it";

function formatTable(comparison: X9Comparison, { thresholds }: X9Scenario): string[] {
  const rows: TableRow<X9Prediction>[] = [
    ["previews that failed", ({ errorShare }) => percent(errorShare)],
    ["calls to the canary", ({ canaryShare }) => percent(canaryShare)],
    ["its calls until put aside", ({ callsUntilFound }) => count(callsUntilFound)],
    ["of these, failed", ({ failuresUntilFound }) => count(failuresUntilFound)],
  ];
  const { errorShareMax } = thresholds.on;
  return formatOffOn(comparison, rows, ({ errorShare }) => errorShare < errorShareMax);
}

function count(calls: number): string {
  return calls === Number.POSITIVE_INFINITY ? "never" : calls.toFixed(0);
}

function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}
