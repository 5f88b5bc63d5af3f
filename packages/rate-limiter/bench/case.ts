// What main.ts runs: each case in a fresh process, so that no row is measured in what another has
// left behind, in the heap or in the optimiser's mind.

/** What one figure says. */
export interface Heading {
  readonly name: string;
  readonly unit: string;
}

/** One run, and the rows that come of it. */
export interface Case {
  readonly rows: readonly Heading[];
  /** Ours first, then the peers; the first of them is what `ratio` compares with. */
  readonly contestants: readonly string[];
  /** Whether each contestant needs a process for itself. */
  readonly apart?: boolean;
  /** For each of these contestants, in their order, a figure for each row. */
  run(contestants: readonly string[]): Promise<readonly (readonly number[])[]>;
}

/** Rows of a kind, printed as one table for each unit. */
export interface Part {
  readonly cases: readonly Case[];
  /** Why it cannot run here, and what to do about it; undefined where it can. */
  readonly missing?: string | undefined;
}
