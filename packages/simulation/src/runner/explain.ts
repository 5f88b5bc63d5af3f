// A failure, as a person wants to read it: what broke, which faults it takes, how to see it again.

import type { Verdict } from "../scenario.ts";
import type { Shrunk } from "../shrink.ts";

/** Some lines about a failing run; `again` is the command without a seed. */
export function explain(verdict: Verdict, shrunk: Shrunk | undefined, again: string): string {
  const shown = shrunk?.verdict ?? verdict;
  const { seed, faults } = shown;
  const lines = [`seed ${seed}: ${describe(shown)}`];
  if (shrunk !== undefined) {
    const runs = shrunk.runs.toLocaleString("en-US");
    lines.push(
      `  it draws ${verdict.faults.length} faults; these ${faults.length} suffice (${runs} runs):`,
    );
  }
  for (const fault of faults) lines.push(`    ${JSON.stringify(fault)}`);
  if (faults.length === 0) lines.push("    none: it fails without any fault");
  if (shrunk === undefined) return lines.join("\n");
  const only = shrunk.only.length === 0 ? "none" : shrunk.only.join(",");
  lines.push(
    `  replay: ${again} --seed ${seed} --only ${only}${shrunk.calm ? " --calm" : ""}`,
    `  trace:  add --trace trace.ndjson`,
  );
  return lines.join("\n");
}

function describe({ failure }: Verdict): string {
  if (failure === undefined) return "it holds";
  const { phase, us, error } = failure;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const when = phase === "end" ? "at the end" : `in the ${phase} phase`;
  return `fails ${when}, at ${(us / 1_000).toLocaleString("en-US")} ms: ${text}`;
}
