// The table in which an experiment shows what it has measured: without the pattern and with it,
// each beside what theory says.
import { styleText } from "node:util";

/** One run, in the terms in which it was predicted. */
export interface PredictedRun<Measurement, Prediction> {
  measured: Measurement;
  predicted: Prediction;
}

/** A row: what it is called, and how a run's figure is written. */
export type TableRow<Prediction> = [label: string, show: (run: Prediction) => string];

/** The lines of the table; a run that is as good as the pattern must make it is green. */
export function formatOffOn<Prediction, Measurement extends Prediction>(
  { off, on }: Record<"off" | "on", PredictedRun<Measurement, Prediction>>,
  rows: readonly TableRow<Prediction>[],
  isGood: (run: Measurement) => boolean,
): string[] {
  const line = (label: string, cells: string[]) => `  ${label.padEnd(30)}${cells.join("  ")}`;
  const cell = (text: string) => text.padStart(8);
  // Judged by the same measure: what is green off would be as good as on.
  const paint = (run: Measurement, text: string) =>
    styleText(isGood(run) ? "green" : "red", cell(text));
  return [
    line("", ["off", "theory", "on", "theory"].map(cell)),
    ...rows.map(([label, show]) =>
      line(label, [
        paint(off.measured, show(off.measured)),
        cell(show(off.predicted)),
        paint(on.measured, show(on.measured)),
        cell(show(on.predicted)),
      ]),
    ),
  ];
}
