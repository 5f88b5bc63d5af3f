// X6 as a person reads it in a terminal: measured beside predicted, off beside on; and of each
// region, which of its tags are there in the end.
import { styleText } from "node:util";
import { formatVerdict } from "./verdict.ts";
import type { X6Comparison } from "./x6.ts";
import type { X6Scenario } from "./x6-scenario.ts";
import { meetMsMax, type X6Tags } from "./x6-theory.ts";

/** Formats X6's comparison, in at most 80 columns. */
export function formatX6(comparison: X6Comparison, scenario: X6Scenario): string {
  const { load, phasesMs, regions } = scenario;
  const { objections } = comparison;
  return [
    "",
    styleText("bold", `${scenario.id}  ${scenario.title}`),
    `  ${regions.join(", ")} are cut off from each other for ${seconds(phasesMs.apart)}; all go ` +
      `on, with ${load.ratePerSecond} edits/s.`,
    "  Off: an episode's tags are a column, and its last writer wins. On: a set, in",
    "  which additions win. The same edits, kept both ways at once.",
    "",
    ...formatTable(comparison),
    "",
    ...formatKept(comparison, regions),
    "",
    ...formatCommon(comparison, scenario),
    "",
    ...formatVerdict(objections, VERDICT),
    "",
  ].join("\n");
}

const VERDICT = "as expected: all regions went on, and the set kept what the column lost";

function formatTable({ off, on, common }: X6Comparison): string[] {
  const line = (label: string, cells: string[]) => `  ${label.padEnd(30)}${cells.join("  ")}`;
  const cell = (text: string) => text.padStart(8);
  const row = (label: string, read: (tags: X6Tags) => number) => {
    const paint = (value: number) => styleText(value === 0 ? "green" : "red", cell(`${value}`));
    return line(label, [
      paint(read(off.measured)),
      cell(`${read(off.predicted)}`),
      paint(read(on.measured)),
      cell(`${read(on.predicted)}`),
    ]);
  };
  return [
    line("", ["off", "theory", "on", "theory"].map(cell)),
    row(`added tags lost, of ${common.adds}`, ({ lostAdds }) => lostAdds),
    row("deleted tags that are back", ({ undoneDeletes }) => undoneDeletes),
  ];
}

// Where a region has kept nothing, another one was the last to write.
function formatKept({ off, on }: X6Comparison, regions: readonly string[]): string[] {
  const width = 6;
  const cells = (texts: readonly string[]) => texts.map((text) => text.padStart(width)).join("");
  const side = (run: X6Tags["kept"][number] = []) =>
    run
      .map(({ added, there }) => {
        const text = `${there}/${added}`.padStart(width);
        return styleText(there === added ? "green" : "red", text);
      })
      .join("");
  return [
    `  ${"new tags of each, and there".padEnd(30)}${cells(regions)}  ${cells(regions)}`,
    ...off.measured.kept.map((kept, n) => {
      return `  ${`episode ${n + 1}`.padEnd(30)}${side(kept)}  ${side(on.measured.kept[n])}`;
    }),
  ];
}

function formatCommon({ common }: X6Comparison, scenario: X6Scenario): string[] {
  const { edits, answered, slowestMs, stars, starsWrong, lines, linesWrong } = common;
  const [digest = "", ...others] = common.digests.map((each) => each.slice(0, 8));
  const same = others.every((other) => other === digest) ? digest : "not the same";
  return [
    `  while apart: ${answered} of ${edits} edits answered, the slowest in ` +
      `${slowestMs.toFixed(0)} ms (theory: all)`,
    `  ${stars - starsWrong} of ${stars} stars count, and ${lines - linesWrong} of ${lines} lines ` +
      "of notes are there, each once",
    `  together: all have the same after ${seconds(common.meetMs, 2)} ` +
      `(theory: < ${seconds(meetMsMax(scenario))}); digest ${same}`,
  ];
}

function seconds(ms: number, digits?: number): string {
  if (ms === Number.POSITIVE_INFINITY) return "never";
  return `${digits === undefined ? ms / 1_000 : (ms / 1_000).toFixed(digits)} s`;
}
