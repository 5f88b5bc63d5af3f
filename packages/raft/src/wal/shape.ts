// Which entries the log has, without the entries: their terms, and the segment that holds the
// latest version of each. Terms come in runs, so this is a few numbers for millions of entries.
//
// A later record of an index supersedes the earlier one and everything that followed it (Raft §5.3:
// a conflicting suffix is overwritten), as on etcd's replay. So a segment whose entries were all
// superseded, or lie below the snapshot, is not needed any more.

interface Run {
  readonly first: number;
  readonly term: number;
  readonly segment: number;
}

/** The outline of a log: [first, last] behind a base whose term may be known. */
export class LogShape {
  // Invariant: the runs are in ascending order of `first`, and the first of them begins at most one
  // behind #base. The entry at #base has the term #baseTerm, 0 if that is not known.
  #base: number;
  #baseTerm: number;
  #runs: Run[] = [];
  #last: number;

  constructor(base: number, baseTerm: number) {
    this.#base = base;
    this.#baseTerm = baseTerm;
    this.#last = base;
  }

  /** The index of the last entry. */
  get last(): number {
    return this.#last;
  }

  /** The term of the last entry; 0 if it is not known. */
  get lastTerm(): number {
    return this.#runs.at(-1)?.term ?? this.#baseTerm;
  }

  /** The term at an index; 0 where it is not known. */
  term(index: number): number {
    if (index > this.#last || index < this.#base) return 0;
    for (let at = this.#runs.length - 1; at >= 0; at--) {
      const run = this.#runs[at] as Run;
      if (run.first <= index) return run.term;
    }
    return index === this.#base ? this.#baseTerm : 0;
  }

  /** Why an entry cannot come next, or undefined. */
  refusal(index: number, term: number): string | undefined {
    if (index > this.#last + 1) return `entry ${index} would leave a gap after ${this.#last}`;
    const before = index > this.#last ? this.lastTerm : this.term(index - 1);
    if (before > term) return `entry ${index} of term ${term} follows one of term ${before}`;
    return undefined;
  }

  /** An entry at most one behind the last; from its index on, what was there is gone. */
  append(index: number, term: number, segment: number): void {
    const run = this.#runs.at(-1);
    const isNext = index === this.#last + 1;
    this.#last = index;
    if (isNext && run !== undefined && run.term === term && run.segment === segment) return;
    while (this.#runs.length > 0 && (this.#runs.at(-1) as Run).first >= index) this.#runs.pop();
    if (index <= this.#base) {
      // What lay below the base is in segments that are gone.
      this.#base = index - 1;
      this.#baseTerm = 0;
    }
    this.#runs.push({ first: index, term, segment });
  }

  /** A snapshot is durable: what it covers is not needed; all else goes too, if it replaces. */
  mark(index: number, term: number, replaces: boolean): void {
    if (replaces || index >= this.#last) {
      this.#runs = [];
      this.#last = index;
    }
    while (this.#runs.length > 1 && (this.#runs[1] as Run).first <= index + 1) this.#runs.shift();
    if (index < this.#base) return;
    this.#base = index;
    this.#baseTerm = term;
  }

  /** The first segment with an entry that is still needed; undefined if there is none. */
  get neededSegment(): number | undefined {
    return this.#runs[0]?.segment;
  }

  clone(): LogShape {
    const copy = new LogShape(this.#base, this.#baseTerm);
    copy.#runs = this.#runs.slice();
    copy.#last = this.#last;
    return copy;
  }
}
