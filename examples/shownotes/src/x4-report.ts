// X4 as a person reads it in a terminal: measured beside predicted, off beside on.
import { styleText } from "node:util";
import { formatOffOn, type TableRow } from "./off-on-table.ts";
import { formatVerdict } from "./verdict.ts";
import type { Hedger, X4Comparison } from "./x4.ts";
import type { X4Scenario } from "./x4-scenario.ts";
import type { X4Prediction } from "./x4-theory.ts";

/** Formats X4's comparison, in at most 80 columns. */
export function formatX4(
  comparison: X4Comparison,
  scenario: X4Scenario,
  hedger: Hedger = "edge",
): string {
  const { load, phasesMs, preview } = scenario;
  const { on, objections } = comparison;
  return [
    "",
    styleText("bold", `${scenario.id}  ${scenario.title}`),
    `  ${load.ratePerSecond} previews/s for ${phasesMs.measured / 1_000} s; ` +
      `${percent(preview.stragglerShare, 0)} of the calls take ${ms(preview.stragglerMs)}, ` +
      `the others ${preview.quickMsMin} to ${preview.quickMsMax} ms.`,
    `  ${formatHedge(scenario, hedger)}`,
    "",
    ...formatTable(comparison, scenario),
    "",
    `  with hedging, ${on.measured.extraCalls} calls were made twice, and ` +
      `${on.measured.abandonedCalls} were given up, having lost`,
    "",
    ...formatVerdict(objections, VERDICT),
    "",
  ].join("\n");
}

function formatHedge({ client, mesh }: X4Scenario, hedger: Hedger): string {
  if (hedger === "sidecar") {
    return `With hedging, preview's sidecar asks again after ${mesh.hedgeAfterMs} ms; the edge never does.`;
  }
  return `With hedging, whoever waits longer than ${client.hedge.percentile} % of calls take asks again.`;
}

const VERDICT = "as expected: a second call overtook nearly every slow first one";

function formatTable(comparison: X4Comparison, { thresholds }: X4Scenario): string[] {
  const rows: TableRow<X4Prediction>[] = [
    ["previews, median", ({ p50Ms }) => ms(p50Ms)],
    ["previews, 99th percentile", ({ p99Ms }) => ms(p99Ms)],
    ["previews, 99.9th percentile", ({ p999Ms }) => ms(p999Ms)],
    ["calls beyond one each", ({ extraShare }) => percent(extraShare)],
  ];
  const limitMs = thresholds.on.p99RatioMax * comparison.off.measured.p99Ms;
  return formatOffOn(comparison, rows, ({ p99Ms }) => p99Ms <= limitMs);
}

function ms(time: number): string {
  return time === Number.POSITIVE_INFINITY ? "never" : `${time.toFixed(0)} ms`;
}

function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}
