// X3 as a person reads it in a terminal: measured beside predicted, off beside on.
import { styleText } from "node:util";
import { formatOffOn, type TableRow } from "./off-on-table.ts";
import { formatVerdict } from "./verdict.ts";
import type { X2Scenario } from "./x2-scenario.ts";
import { capacityPerSecond } from "./x2-theory.ts";
import type { X3Comparison } from "./x3.ts";
import type { X3Scenario } from "./x3-scenario.ts";
import type { X3Prediction } from "./x3-theory.ts";

/** Formats X3's comparison, in at most 80 columns. */
export function formatX3(
  comparison: X3Comparison,
  scenario: X3Scenario,
  behind: X2Scenario,
): string {
  const { others, flood, phasesMs, workspaceLimit } = scenario;
  const { edges, on, objections } = comparison;
  const at = edges === 1 ? "" : `, to ${edges} edges`;
  return [
    "",
    styleText("bold", `${scenario.id}  ${scenario.title}`),
    `  ${others.workspaces} workspaces send ${others.ratePerSecond} checkouts/s; one more sends ` +
      `${grouped(flood.ratePerSecond)}/s for ${phasesMs.flood / 1_000} s${at}.`,
    `  Billing can serve ${capacityPerSecond(behind)}/s. A workspace may have ` +
      `${workspaceLimit.limit} in ${workspaceLimit.windowMs / 1_000} s, ` +
      `${workspaceLimit.burst} at once.`,
    "",
    ...formatTable(comparison, scenario),
    "",
    `  the limit for the flood's ${(on.measured.floodMs / 1_000).toFixed(2)} s: ` +
      `${workspaceLimit.burst} + ${workspaceLimit.limit}/s × t = ${on.measured.admittedMax}; ` +
      `let through were ${on.measured.admitted}`,
    ...(on.measured.withoutStore === 0
      ? []
      : [
          `  ${grouped(on.measured.withoutStore)} times an edge decided alone: no answer from Redis`,
        ]),
    "",
    ...formatVerdict(objections, VERDICT),
    "",
  ].join("\n");
}

const VERDICT = "as expected: the one that flooded was held to its limit, and alone";

function formatTable(comparison: X3Comparison, { withinMs, thresholds }: X3Scenario): string[] {
  const rows: TableRow<X3Prediction>[] = [
    [`others paid within ${withinMs / 1_000} s`, (run) => percent(run.othersWithin)],
    ["others, 99th percentile", ({ othersP99Ms }) => ms(othersP99Ms)],
    ["of the flood, let through", ({ admitted }) => grouped(admitted)],
  ];
  const { othersWithinMin } = thresholds.on;
  return formatOffOn(comparison, rows, (run) => run.othersWithin >= othersWithinMin);
}

function ms(time: number): string {
  return time === Infinity ? "never" : `${time.toFixed(0)} ms`;
}

function grouped(count: number): string {
  return count.toLocaleString("en");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
