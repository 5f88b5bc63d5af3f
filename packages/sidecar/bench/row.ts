// Rows of the table: processor time for each request, ours beside each peer's, and how many
// requests came through.
import type { Figures } from "./load/slice.ts";

/** One measurement; `ratio` is ours over the first peer's. */
export interface Row {
  readonly case: string;
  readonly unit: "µs/request" | "requests/s";
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
  readonly ratio: number;
}

/** The rounds of one proxy in one scenario. */
export type Samples = readonly [name: string, rounds: readonly Figures[]];

const cpuUs = ({ cpuUs: us, requests }: Figures): number => us / requests;
const perSecond = ({ requests, wallUs }: Figures): number => (requests * 1e6) / wallUs;

/** Both rows of a scenario; ours comes first. */
export function makeRows(scenario: string, samples: readonly Samples[]): [Row, Row] {
  const row = (unit: Row["unit"], figureOf: (figures: Figures) => number): Row => {
    const [ours, ...peers] = samples.map(([name, rounds]) => {
      return [name, roundOff(medianOf(rounds.map(figureOf)))] as const;
    });
    return {
      case: scenario,
      unit,
      ours: ours?.[1] ?? Number.NaN,
      peers: Object.fromEntries(peers),
      ratio: samples[1] === undefined ? 1 : ratioTo(samples, samples[1][0], figureOf),
    };
  };
  return [row("µs/request", cpuUs), row("requests/s", perSecond)];
}

/**
 * Ours over a peer's, as the median of what each round says: the two stood next to each other in
 * it, so that what the machine was busy with is in both.
 */
export function ratioTo(
  samples: readonly Samples[],
  peer: string,
  figureOf: (figures: Figures) => number = cpuUs,
): number {
  return Number(quantile(ratiosTo(samples, peer, figureOf), 0.5).toFixed(2));
}

function ratiosTo(
  [ours, ...peers]: readonly Samples[],
  peer: string,
  figureOf: (figures: Figures) => number,
): number[] {
  const theirs = peers.find(([name]) => name === peer)?.[1] ?? [];
  return (ours?.[1] ?? []).map((figures, round) => {
    const other = theirs[round];
    return other === undefined ? Number.NaN : figureOf(figures) / figureOf(other);
  });
}

/** Prints one scenario: each proxy's line, ours first. */
export function printScenario(name: string, samples: readonly Samples[]): void {
  console.log(`\n| ${name} | µs/request | ours / its | half of the rounds | requests/s | busy |`);
  console.log(`| --- |${" ---: |".repeat(5)}`);
  for (const [proxy, rounds] of samples) {
    const ratios = ratiosTo([samples[0] as Samples, [proxy, rounds]], proxy, cpuUs);
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) =>
      quantile(ratios, share).toFixed(2),
    );
    const busy = medianOf(rounds.map(({ cpuUs: us, wallUs }) => us / wallUs));
    const cells = [
      show(medianOf(rounds.map(cpuUs))),
      middle,
      `${low} – ${high}`,
      show(medianOf(rounds.map(perSecond))),
      `${Math.round(busy * 100)} %`,
    ];
    console.log(`| ${proxy} | ${cells.join(" | ")} |`);
  }
}

const medianOf = (samples: readonly number[]): number => quantile(samples, 0.5);

function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] as number;
}

function show(figure: number): string {
  return roundOff(figure).toLocaleString("en-US");
}

function roundOff(figure: number): number {
  return Number(figure.toPrecision(3));
}
