// X5 as a person reads it in a terminal: measured beside predicted, off beside on.
import { styleText } from "node:util";
import { formatVerdict } from "./verdict.ts";
import type { X5Comparison } from "./x5.ts";
import type { X5Scenario } from "./x5-scenario.ts";
import { detectionMs, type X5Prediction } from "./x5-theory.ts";

/** Formats X5's comparison, in at most 80 columns. */
export function formatX5(comparison: X5Comparison, scenario: X5Scenario): string {
  const { load, raft, members, restartAfterMs, phasesMs } = scenario;
  const { off, on, objections } = comparison;
  const { least, most } = detectionMs(scenario);
  return [
    "",
    styleText("bold", `${scenario.id}  ${scenario.title}`),
    `  ${load.clients} clients, up to ${load.ratePerSecond} calls/s: seats, leases, reads. The ` +
      "leader is killed",
    `  (-9) and restarted after ${seconds(restartAfterMs)}, then stopped (SIGSTOP) for ` +
      `${seconds(phasesMs.paused)}.`,
    `  Off: a registry of one member; on: of ${members}, each with a disk of its own.`,
    "",
    ...formatTable(comparison),
    "",
    `  detection: ${seconds(least, 2)} to ${seconds(most, 2)} of silence ` +
      `(election timeout ${raft.electionTimeoutMs} ms)`,
    `  ${grouped(off.measured.operations)} and ${grouped(on.measured.operations)} operations, ` +
      `checked ${off.measured.checks} and ${on.measured.checks} times, while it ran and at the end`,
    "",
    ...formatVerdict(objections, VERDICT),
    "",
  ].join("\n");
}

const VERDICT = "as expected: a short gap, and nothing that was acknowledged is gone";

function formatTable({ off, on }: X5Comparison): string[] {
  const line = (label: string, cells: string[]) => `  ${label.padEnd(30)}${cells.join("  ")}`;
  const cell = (text: string) => text.padStart(8);
  const good = (isGood: boolean, text: string) => styleText(isGood ? "green" : "red", cell(text));
  // One member is down for as long as it takes somebody to notice: red, whatever it measured.
  const gap = (label: string, read: (run: X5Prediction) => number, least = "") =>
    line(label, [
      good(false, seconds(read(off.measured), 2)),
      cell(`${least}${seconds(read(off.predicted), 2)}`),
      good(true, seconds(read(on.measured), 2)),
      cell(seconds(read(on.predicted), 2)),
    ]);
  const lost = ({ measured }: X5Comparison["on"]) => good(measured.lost === 0, `${measured.lost}`);
  const verdict = ({ measured }: X5Comparison["on"]) =>
    good(measured.verdict === "ok", measured.verdict === "ok" ? "yes" : measured.verdict);
  return [
    line("", ["off", "theory", "on", "theory"].map(cell)),
    // At least: how long a process takes to start is nobody's theory.
    gap("killed: no answer for", ({ killedGapMs }) => killedGapMs, "≥ "),
    gap("paused: no answer for", ({ pausedGapMs }) => pausedGapMs),
    line("acknowledged changes lost", [lost(off), cell("0"), lost(on), cell("0")]),
    line("history linearizable", [verdict(off), cell("yes"), verdict(on), cell("yes")]),
  ];
}

function seconds(ms: number, digits?: number): string {
  return `${digits === undefined ? ms / 1_000 : (ms / 1_000).toFixed(digits)} s`;
}

function grouped(count: number): string {
  return count.toLocaleString("en");
}
