// The comparison as a person reads it in a terminal: measured beside predicted, off beside on.
import { styleText } from "node:util";
import type { Scenario } from "./scenario.ts";
import type { Prediction } from "./theory.ts";
import { formatVerdict } from "./verdict.ts";
import type { Comparison, Measurement } from "./x1.ts";

/** Formats X1's comparison, in at most 80 columns. */
export function formatComparison(comparison: Comparison, scenario: Scenario): string {
  const { load, phasesMs, preview, edge, breaker } = scenario;
  const { on, objections } = comparison;
  return [
    "",
    styleText("bold", `${scenario.id}  ${scenario.title}`),
    `  ${load.ratePerSecond} requests/s, ${percent(load.previewShare, 0)} of them previews; for ` +
      `${seconds(phasesMs.fault)} a preview takes ${seconds(preview.faultDelayMs)}.`,
    `  The edge has ${edge.inFlightMax} places; with protection, previews take at most ` +
      `${breaker.inFlightMax} of them.`,
    "",
    ...formatTable(comparison, scenario),
    "",
    "  the breaker, in seconds after the fault began (in brackets: theory)",
    ...formatTransitions(on.measured, on.predicted),
    "",
    ...formatVerdict(objections, VERDICT),
    "",
  ].join("\n");
}

const VERDICT = "as expected: the breaker kept slow previews from slowing the rest";

function formatTable({ off, on }: Comparison, { withinMs, thresholds }: Scenario): string[] {
  const rows: [string, (m: Prediction, how: "measured" | "predicted") => string][] = [
    [`others answered within ${seconds(withinMs)}`, (m) => percent(m.othersWithin)],
    ["others, 99th percentile", (m, how) => formatP99(m.othersP99Ms, how)],
    ["calls that reached preview", (m) => String(m.previewCalls)],
  ];
  const line = (label: string, cells: string[]) => `  ${label.padEnd(30)}${cells.join("  ")}`;
  const cell = (text: string) => text.padStart(8);
  // Judged by the same measure: what is green off would be as good as on.
  const paint = ({ othersWithin }: Measurement, text: string) =>
    styleText(othersWithin >= thresholds.on.othersWithinMin ? "green" : "red", cell(text));
  return [
    line("", ["off", "theory", "on", "theory"].map(cell)),
    ...rows.map(([label, show]) =>
      line(label, [
        paint(off.measured, show(off.measured, "measured")),
        cell(show(off.predicted, "predicted")),
        paint(on.measured, show(on.measured, "measured")),
        cell(show(on.predicted, "predicted")),
      ]),
    ),
  ];
}

function formatTransitions(measured: Measurement, predicted: Prediction): string[] {
  if (measured.transitions.length === 0) return ["  it never changed its state"];
  return measured.transitions.map(({ to, atMs, reason }) => {
    // Which one it was: the nearest of its kind, unless that is too far off to be meant.
    const expected = predicted.transitions.find(
      (other) => other.to === to && Math.abs(other.atMs - atMs) < NEAR_MS,
    );
    const theory = expected === undefined ? "–" : clock(expected.atMs);
    const times = `${clock(atMs).padStart(5)} (${theory})`;
    return ` ${times.padEnd(12)}  ${to.padEnd(10)} ${REASONS[reason] ?? reason}`;
  });
}

const NEAR_MS = 500;

const REASONS: Record<string, string> = {
  "slow-rate": "too many of the last calls hang",
  "failure-rate": "too many of the last calls failed",
  rested: "it has rested, and asks again with a few probes",
  "probes-slow": "the probes hang as well",
  "probes-failed": "the probes failed",
  "probes-succeeded": "the probes were answered: the fault is over",
};

function formatP99(ms: number, how: "measured" | "predicted"): string {
  if (how === "predicted" && ms === 0) return "no wait";
  if (ms === Number.POSITIVE_INFINITY) return "never";
  return ms < 1_000 ? `${ms.toFixed(0)} ms` : seconds(ms, 2);
}

function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

function seconds(ms: number, digits?: number): string {
  return `${digits === undefined ? ms / 1_000 : (ms / 1_000).toFixed(digits)} s`;
}

function clock(ms: number): string {
  return (ms / 1_000).toFixed(2);
}
