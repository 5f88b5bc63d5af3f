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
  [ours, ...peers]: readonly Samples[],
  peer: string,
  figureOf: (figures: Figures) => number = cpuUs,
): number {
  const theirs = peers.find(([name]) => name === peer)?.[1] ?? [];
  const ratios = (ours?.[1] ?? []).map((figures, round) => {
    const other = theirs[round];
    return other === undefined ? Number.NaN : figureOf(figures) / figureOf(other);
  });
  return Number(medianOf(ratios).toFixed(2));
}

/** Prints one scenario: each proxy's line, ours first. */
export function printScenario(name: string, samples: readonly Samples[]): void {
  console.log(`\n| ${name} | µs/request | least – most | ours / its | requests/s | busy |`);
  console.log(`| --- |${" ---: |".repeat(5)}`);
  for (const [proxy, rounds] of samples) {
    const costs = rounds.map(cpuUs);
    const [least, most] = [Math.min(...costs), Math.max(...costs)].map(roundOff);
    const busy = medianOf(rounds.map(({ cpuUs: us, wallUs }) => us / wallUs));
    const cells = [
      show(medianOf(costs)),
      `${least} – ${most}`,
      ratioTo([samples[0] as Samples, [proxy, rounds]], proxy).toFixed(2),
      show(medianOf(rounds.map(perSecond))),
      `${Math.round(busy * 100)} %`,
    ];
    console.log(`| ${proxy} | ${cells.join(" | ")} |`);
  }
}

/** The middle one of an odd number of samples. */
export function medianOf(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1] as number;
}

function show(figure: number): string {
  return roundOff(figure).toLocaleString("en-US");
}

function roundOff(figure: number): number {
  return Number(figure.toPrecision(3));
}
