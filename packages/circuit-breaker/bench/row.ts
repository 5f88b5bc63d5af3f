// A row of the table, and how it is printed.

/** One measurement: ours beside the peers. The first peer is what `ratio` compares with. */
export interface Row {
  readonly case: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
  readonly ratio: number;
}

/** Rounds the figures to three digits and divides ours by the first peer's. */
export function makeRow(
  name: string,
  unit: string,
  figures: readonly (readonly [contestant: string, figure: number])[],
): Row {
  const [[, ours] = ["", Number.NaN], ...peers] = figures;
  const baseline = peers[0]?.[1] ?? Number.NaN;
  return {
    case: name,
    unit,
    ours: round(ours),
    peers: Object.fromEntries(peers.map(([peer, figure]) => [peer, round(figure)])),
    // None against none is no difference.
    ratio: ours === baseline ? 1 : Number((ours / baseline).toFixed(2)),
  };
}

/** Prints rows that share their peers as one Markdown table. */
export function printTable(rows: readonly Row[]): void {
  const peers = Object.keys(rows[0]?.peers ?? {});
  const [baseline] = peers;
  console.log(`\n| case, ${rows[0]?.unit} | ours | ${peers.join(" | ")} | ours / ${baseline} |`);
  console.log(`| --- |${" ---: |".repeat(peers.length + 2)}`);
  for (const { case: name, ours, peers: figures, ratio } of rows) {
    const cells = [ours, ...peers.map((peer) => figures[peer] as number)].map(show);
    console.log(`| ${name} | ${cells.join(" | ")} | ${ratio.toFixed(2)} |`);
  }
}

/** 100000 as 100,000. */
export function show(figure: number): string {
  return figure.toLocaleString("en-US");
}

function round(figure: number): number {
  return figure === 0 ? 0 : Number(figure.toPrecision(3));
}
