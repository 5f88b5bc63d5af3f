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

/**
 * Prints rows of one unit as one Markdown table; a peer that does not take part in a row is "–".
 */
export function printTable(rows: readonly Row[]): void {
  const peers = [...new Set(rows.flatMap((row) => Object.keys(row.peers)))];
  const [first] = peers;
  console.log(`\n| case, ${rows[0]?.unit} | ours | ${peers.join(" | ")} | ours / ${first} |`);
  console.log(`| --- |${" ---: |".repeat(peers.length + 2)}`);
  for (const { case: name, ours, peers: figures, ratio } of rows) {
    const cells = [ours, ...peers.map((peer) => figures[peer])].map(show);
    console.log(`| ${name} | ${cells.join(" | ")} | ${ratio.toFixed(2)} |`);
  }
}

/** 100000 as 100,000; no figure as "–". */
export function show(figure: number | undefined): string {
  return figure === undefined ? "–" : figure.toLocaleString("en-US");
}

function round(figure: number): number {
  return figure === 0 ? 0 : Number(figure.toPrecision(3));
}
