// X2's comparison as a person reads it in a terminal: goodput over time, and theory beside it.
import { styleText } from "node:util";
import { formatVerdict } from "./verdict.ts";
import { COLUMN_MS, type X2Comparison } from "./x2.ts";
import { VARIANTS, type Variant, type X2Scenario } from "./x2-scenario.ts";
import { capacityPerSecond, type X2Prediction } from "./x2-theory.ts";

const BARS = "▁▂▃▄▅▆▇█";

const LABELS: Record<Variant, string> = {
  naive: "naive retries",
  jitter: "+ full jitter",
  budget: "+ budget of a tenth",
  "budget+shed": "+ deadline shedding",
};

/** Formats X2's comparison, in at most 80 columns. */
export function formatX2(comparison: X2Comparison, scenario: X2Scenario): string {
  const { load, phasesMs, billing, edge } = scenario;
  const capacity = capacityPerSecond(scenario);
  const storm = load.ratePerSecond * edge.attemptsMax;
  const { objections } = comparison;
  return [
    "",
    styleText("bold", `${scenario.id}  ${scenario.title}`),
    `  ${load.ratePerSecond} checkouts/s; billing can serve ${capacity}/s, and for ` +
      `${seconds(phasesMs.blip)} only ${capacity / billing.slowdown}/s.`,
    `  Up to ${edge.attemptsMax} attempts of ${edge.attemptTimeoutMs} ms each. ` +
      "The breaker stands aside.",
    "",
    ...formatTable(comparison, scenario),
    "",
    `  naive: ${load.ratePerSecond} × ${edge.attemptsMax} = ${storm}/s > ${capacity}/s. ` +
      "The retries sustain themselves: metastable.",
    "  budget: the backlog drains at " +
      `${capacity} − ${load.ratePerSecond} = ${capacity - load.ratePerSecond}/s; ` +
      "with shedding there is none.",
    "",
    ...formatVerdict(objections, VERDICT),
    "",
  ].join("\n");
}

const VERDICT = "as expected: jitter saved nothing; the budget did, with shedding at once";

function formatTable({ measured, predicted }: X2Comparison, scenario: X2Scenario): string[] {
  const { lastSecondMin } = scenario.thresholds.recovered;
  const line = (label: string, bars: string, cells: string[]) =>
    `  ${label.padEnd(20)}${bars}${cells.join("")}`;
  const columns = measured.naive.goodput.length;
  const head = ["last 1 s", "well after", "theory", "requests", "theory"];
  const widths = [9, 11, 7, 9, 8];
  const cells = (texts: string[]) => texts.map((text, i) => text.padStart(widths[i] as number));
  return [
    line("goodput, each ½ s", " ".repeat(columns), cells(head)),
    ...VARIANTS.map((variant) => {
      const { goodput, lastSecond, recoveryMs, attemptsPerCheckout } = measured[variant];
      const color = lastSecond >= lastSecondMin ? "green" : "red";
      const figures = [
        `${(100 * lastSecond).toFixed(0)} %`,
        formatRecovery(recoveryMs),
        formatRecovery(predicted[variant].recoveryMs),
        `× ${attemptsPerCheckout.toFixed(2)}`,
        formatRequests(predicted[variant]),
      ];
      return line(LABELS[variant], styleText(color, barsOf(goodput)), cells(figures));
    }),
    line("the blip", blipBelow(columns, scenario), []),
  ];
}

function barsOf(shares: readonly number[]): string {
  return shares.map((share) => BARS[Math.round(share * (BARS.length - 1))] ?? " ").join("");
}

function blipBelow(columns: number, { phasesMs: { warmUp, blip } }: X2Scenario): string {
  const isIn = (ms: number) => ms >= warmUp && ms < warmUp + blip;
  return Array.from({ length: columns }, (_, i) => (isIn(i * COLUMN_MS) ? "^" : " ")).join("");
}

// What a budget allows is a limit, and not what will be made of it.
function formatRequests({ attemptsPerCheckout, recoveryMs }: X2Prediction): string {
  return `${recoveryMs === Infinity ? "" : "≤ "}${attemptsPerCheckout.toFixed(2)}`;
}

function formatRecovery(ms: number): string {
  return ms === Infinity ? "never" : seconds(ms, 1);
}

function seconds(ms: number, digits?: number): string {
  return `${digits === undefined ? ms / 1_000 : (ms / 1_000).toFixed(digits)} s`;
}
