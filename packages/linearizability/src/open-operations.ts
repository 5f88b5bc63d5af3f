// The operations that are open at one event of a schedule, in the order of their calls.
//
// Two circular lists, one of mutators and one of reads. The search moves back and forth over the
// same events, and moving back over an event undoes exactly what moving forward over it did: an
// operation that is taken out keeps its neighbours, and they are neighbours again when it comes
// back (Knuth's dancing links).
import { kinds, type Schedule } from "./schedule.ts";

/** What is open at the present event. */
export class OpenOperations {
  /** The head of the mutators, and the end of their list. */
  readonly mutators: number;
  /** The head of the reads, and the end of their list. */
  readonly reads: number;
  readonly #kind: Uint8Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #unknown = 0;

  constructor({ kind }: Schedule) {
    this.#kind = kind;
    this.mutators = kind.length;
    this.reads = kind.length + 1;
    this.#next = new Int32Array(kind.length + 2);
    this.#previous = new Int32Array(kind.length + 2);
    for (const head of [this.mutators, this.reads]) {
      this.#next[head] = head;
      this.#previous[head] = head;
    }
  }

  /** How many operations of unknown outcome were called. Those never leave. */
  get unknown(): number {
    return this.#unknown;
  }

  /** What follows an operation, or a head, in its list. */
  after(op: number): number {
    return this.#next[op] as number;
  }

  /** Forward over a call. */
  call(op: number): void {
    const kind = this.#kind[op];
    if (kind === kinds.unknown) {
      this.#unknown++;
      return;
    }
    const head = kind === kinds.read ? this.reads : this.mutators;
    const last = this.#previous[head] as number;
    this.#next[last] = op;
    this.#previous[op] = last;
    this.#next[op] = head;
    this.#previous[head] = op;
  }

  /** Back over a call. */
  uncall(op: number): void {
    if (this.#kind[op] === kinds.unknown) this.#unknown--;
    else this.return(op);
  }

  /** Forward over a return. */
  return(op: number): void {
    const before = this.#previous[op] as number;
    const after = this.#next[op] as number;
    this.#next[before] = after;
    this.#previous[after] = before;
  }

  /** Back over a return. */
  unreturn(op: number): void {
    this.#next[this.#previous[op] as number] = op;
    this.#previous[this.#next[op] as number] = op;
  }
}
