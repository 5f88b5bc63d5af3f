// Wing and Gong's search, with Lowe's memory of where it has been.
//
// Wing and Gong (1993) look for a linearization by trying: take an operation that was called before
// any pending one returned, ask the model, go on with the rest; where nothing fits, take back the
// last choice and try its neighbour. Lowe (2017) adds that two ways that have linearized the same
// operations and reached the same state have the same future, and one of them is enough.
//
// Four more observations keep the search small. None of them changes a verdict; the README's formal
// ground proves it.
//
// - A read that fits the present state is linearized at once and never reconsidered. It leaves the
//   state as it is, so whatever works without it works with it.
// - An operation of unknown outcome is never required, so it is tried only where it changes the
//   state, and of several with equal inputs only the first; and not before a choice that would lead
//   to the same state without it.
// - The model may look ahead (`foresee`): what a later answer rules out is not tried, and states
//   that
//   no remaining answer can tell apart are one state.
// - A configuration that is dominated by a visited one is not visited (configurations.ts).
//
// The search is a loop over an array, not a recursion, so that it can stop after any number of
// steps and go on later, and a long history needs no deep stack.
import { Configurations, fields, type MemoryPool } from "./configurations.ts";
import { type Foreseen, type Foresight, type Model, UNKNOWN } from "./model.ts";
import { OpenOperations } from "./open-operations.ts";
import type { History, Operation } from "./operation.ts";
import { kinds, type Schedule } from "./schedule.ts";
import { States } from "./states.ts";

/** Where a search stands: found a linearization, tried everything, wants more steps, or memory. */
export type Standing = "ok" | "illegal" | "running" | "memory";

// Different dead ends at the same event are different stories of what may have happened.
const DEEPEST_MAX = 4;
const ROOT = 0;

/** The search for a linearization of one part of a history. */
export class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #schedule: Schedule;
  readonly #operations: readonly Foreseen<Input, Output>[];
  readonly #foresee: Foresight<State, Input, Output> | undefined;
  readonly #visited: Configurations;
  readonly #states: States<State>;
  readonly #pool: MemoryPool;
  #stateBytes = 0;
  #standing: Standing = "running";

  // The configuration under the hand: where it was entered, and the same in a form to work on.
  #entry: number = ROOT;
  #at = 0;
  #state = 0;
  readonly #bits: Int32Array;
  // The next choice to try: an operation from the list of open mutators; past its end, a bit of the
  // unknown ones; in the end, to go on as if the awaited operation had done nothing.
  #choice = 0;
  #choiceUnknown = 0;
  #skipped = false;
  // Where an operation of unknown outcome led here and nothing was gained by it yet: the state
  // before it. Else -1.
  #idle = -1;

  // What is open at `#at`.
  readonly #open: OpenOperations;
  // From here on, a choice is to pass over an operation: the one of that number less this.
  readonly #skip: number;

  // The configurations that came furthest.
  #deepestAt = -1;
  #deepest: number[] = [];

  constructor(
    history: History<Input, Output>,
    schedule: Schedule,
    model: Model<State, Input, Output>,
    pool: MemoryPool,
  ) {
    this.#model = model;
    this.#schedule = schedule;
    this.#operations = Array.from(schedule.places, (place, op) => {
      const each = history[place] as Operation<Input, Output>;
      return { ...each, required: each.return !== undefined && schedule.optional[op] === 0 };
    });
    this.#foresee = model.foresee?.(this.#operations);
    this.#visited = new Configurations(schedule.words, pool);
    this.#states = new States(model);
    this.#pool = pool;
    const { mutators, reads, unknown } = schedule.words;
    this.#bits = new Int32Array(mutators + reads + unknown);
    this.#open = new OpenOperations(schedule);
    this.#skip = schedule.places.length;
    this.#state = this.#states.numberOf(model.init());
    this.#settle();
    this.#enter(-1);
  }

  /** How many configurations it has visited. */
  get configurations(): number {
    return this.#visited.count;
  }

  /** How many events every attempt so far was stopped by; all of them, where it is "ok". */
  get reached(): number {
    return this.#deepestAt;
  }

  /**
   * The operation on whose return no attempt came past, as a place in the history; `undefined`
   * where there is a linearization.
   */
  get obstacle(): number | undefined {
    const event = this.#schedule.events[this.#deepestAt];
    return event === undefined ? undefined : this.#schedule.places[~event];
  }

  /** Goes on for at most so many steps, a step being one choice tried. */
  run(steps: number): { readonly standing: Standing; readonly steps: number } {
    let left = steps;
    while (this.#standing === "running" && left > 0) {
      if (this.#at === this.#schedule.events.length) {
        this.#standing = "ok";
        break;
      }
      left--;
      const choice = this.#nextChoice();
      if (choice >= 0) this.#try(choice);
      else if (this.#entry === ROOT) this.#standing = "illegal";
      else this.#backtrack();
    }
    return { standing: this.#standing, steps: steps - left };
  }

  /** Forgets what it has visited. Only `standing` survives; ask for the deepest attempts before. */
  free(): void {
    this.#visited.free();
    this.#pool.used -= this.#stateBytes;
    this.#stateBytes = 0;
  }

  /**
   * The attempts that came furthest, each as places in the history in the order in which they took
   * effect. Where the standing is "ok", the one linearization. Ends the search.
   */
  deepest(): number[][] {
    if (this.#standing === "running") this.#standing = "memory";
    return this.#deepest.map((entry) => this.#replay(this.#pathTo(entry)));
  }

  #nextChoice(): number {
    const { kind, bit, unknown, twin } = this.#schedule;
    while (this.#choice !== this.#open.mutators) {
      const op = this.#choice;
      this.#choice = this.#open.after(op);
      if (!this.#has(kind[op] as number, bit[op] as number)) return op;
    }
    while (this.#choiceUnknown < this.#open.unknown) {
      const candidate = this.#choiceUnknown++;
      if (this.#has(kinds.unknown, candidate)) continue;
      const before = twin[candidate] as number;
      if (before < 0 || this.#has(kinds.unknown, before)) return unknown[candidate] as number;
    }
    const awaited = ~(this.#schedule.events[this.#at] as number);
    if (this.#skipped || this.#schedule.optional[awaited] !== 1) return -1;
    this.#skipped = true;
    return this.#skip + awaited;
  }

  #try(choice: number): void {
    const state = this.#stateAfter(choice);
    if (state < 0) return;
    this.#linearize(this.#operationOf(choice), state);
    this.#settle();
    if (this.#visited.dominated(this.#at, this.#state, this.#bits)) this.#restore(choice);
    else this.#enter(choice);
  }

  #operationOf(choice: number): number {
    return choice < this.#skip ? choice : choice - this.#skip;
  }

  #stateAfter(choice: number): number {
    if (choice < this.#skip) return this.#step(choice);
    return this.#numberOf(this.#state, this.#states.at(this.#state));
  }

  /** The number of the state after the operation, or -1 where it cannot come now, or need not. */
  #step(op: number): number {
    const { input, output } = this.#operations[op] as Operation<Input, Output>;
    const isUnknown = this.#schedule.kind[op] === kinds.unknown;
    const answer = isUnknown ? UNKNOWN : (output as Output);
    const after = this.#model.step(this.#states.at(this.#state), input, answer);
    if (after === undefined) return -1;
    const state = this.#numberOf(this.#state, after);
    if (state < 0 || (isUnknown && state === this.#state)) return -1;
    if (this.#idle < 0) return state;
    const without = this.#model.step(this.#states.at(this.#idle), input, answer);
    return without !== undefined && this.#numberOf(this.#idle, without) === state ? -1 : state;
  }

  /** The number of a state after another one, or -1 where nothing can follow. */
  #numberOf(before: number, after: State): number {
    if (this.#foresee === undefined) return this.#states.numberOf(after);
    const awaited = this.#operations[~(this.#schedule.events[this.#at] as number)];
    if (awaited === undefined) return this.#states.numberOf(after);
    const state = this.#foresee(this.#states.at(before), after, awaited);
    return state === undefined ? -1 : this.#states.numberOf(state);
  }

  #linearize(op: number, state: number): void {
    this.#state = state;
    this.#flip(this.#schedule.kind[op] as number, this.#schedule.bit[op] as number);
  }

  // Brings a configuration into its normal form: past every return whose operation is linearized,
  // with every read that fits. `told` hears of those reads.
  #settle(told?: (op: number) => void): void {
    do this.#forward();
    while (this.#takeReads(told));
  }

  #forward(): void {
    const { events, kind, bit } = this.#schedule;
    for (; this.#at < events.length; this.#at++) {
      const event = events[this.#at] as number;
      if (event >= 0) {
        this.#open.call(event);
        continue;
      }
      const op = ~event;
      if (!this.#has(kind[op] as number, bit[op] as number)) return;
      this.#flip(kind[op] as number, bit[op] as number);
      this.#open.return(op);
    }
  }

  /** Whether the return at `#at` can be passed now. */
  #takeReads(told?: (op: number) => void): boolean {
    const { events, bit } = this.#schedule;
    const state = this.#states.at(this.#state);
    const awaited = ~(events[this.#at] ?? 0);
    let passes = false;
    for (let op = this.#open.after(this.#open.reads); op !== this.#open.reads; ) {
      if (!this.#has(kinds.read, bit[op] as number)) {
        const { input, output } = this.#operations[op] as Operation<Input, Output>;
        if (this.#model.step(state, input, output as Output) !== undefined) {
          this.#flip(kinds.read, bit[op] as number);
          told?.(op);
          passes ||= op === awaited;
        }
      }
      op = this.#open.after(op);
    }
    return passes;
  }

  #enter(choice: number): void {
    const parent = choice < 0 ? -1 : this.#entry;
    const entry = this.#visited.add(this.#at, this.#state, choice, parent, this.#bits);
    if (entry < 0 || !this.#afford()) {
      this.#standing = "memory";
      return;
    }
    this.#entry = entry;
    this.#idle = this.#idleState();
    this.#choice = this.#open.after(this.#open.mutators);
    this.#choiceUnknown = 0;
    this.#skipped = false;
    if (this.#at > this.#deepestAt) {
      this.#deepestAt = this.#at;
      this.#deepest = [];
    }
    if (this.#at === this.#deepestAt && this.#deepest.length < DEEPEST_MAX) {
      this.#deepest.push(entry);
    }
  }

  #afford(): boolean {
    const more = this.#states.bytes - this.#stateBytes;
    this.#pool.used += more;
    this.#stateBytes += more;
    return this.#pool.used <= this.#pool.bytesMax;
  }

  #backtrack(): void {
    const choice = this.#visited.get(this.#entry, fields.choice);
    this.#entry = this.#visited.get(this.#entry, fields.parent);
    this.#idle = this.#idleState();
    this.#restore(choice);
  }

  #idleState(): number {
    const choice = this.#visited.get(this.#entry, fields.choice);
    if (this.#schedule.kind[choice] !== kinds.unknown) return -1;
    const parent = this.#visited.get(this.#entry, fields.parent);
    const { mutators, reads } = this.#schedule.words;
    const words = [
      fields.at,
      ...Array.from({ length: reads }, (_, i) => fields.words + mutators + i),
    ];
    const gained = words.some((field) => {
      return this.#visited.get(this.#entry, field) !== this.#visited.get(parent, field);
    });
    return gained ? -1 : this.#visited.get(parent, fields.state);
  }

  // Back to the configuration `#entry`, to go on after that choice.
  #restore(choice: number): void {
    this.#state = this.#visited.get(this.#entry, fields.state);
    this.#visited.readWords(this.#entry, this.#bits);
    this.#rewind(this.#visited.get(this.#entry, fields.at));
    const { kind, bit } = this.#schedule;
    this.#skipped = choice >= this.#skip;
    if (this.#skipped) {
      this.#choice = this.#open.mutators;
      this.#choiceUnknown = this.#open.unknown;
    } else if (kind[choice] === kinds.unknown) {
      this.#choice = this.#open.mutators;
      this.#choiceUnknown = (bit[choice] as number) + 1;
    } else {
      this.#choice = this.#open.after(choice);
      this.#choiceUnknown = 0;
    }
  }

  #rewind(at: number): void {
    const { events } = this.#schedule;
    while (this.#at > at) {
      const event = events[--this.#at] as number;
      if (event >= 0) this.#open.uncall(event);
      else this.#open.unreturn(~event);
    }
  }

  #word(kind: number, bit: number): number {
    const { mutators, reads } = this.#schedule.words;
    if (kind === kinds.mutator) return bit >>> 5;
    return mutators + (kind === kinds.read ? 0 : reads) + (bit >>> 5);
  }

  #has(kind: number, bit: number): boolean {
    return (((this.#bits[this.#word(kind, bit)] as number) >>> (bit & 31)) & 1) === 1;
  }

  #flip(kind: number, bit: number): void {
    const word = this.#word(kind, bit);
    this.#bits[word] = (this.#bits[word] as number) ^ (1 << (bit & 31));
  }

  #pathTo(entry: number): number[] {
    const path: number[] = [];
    for (let each = entry; each !== ROOT; each = this.#visited.get(each, fields.parent)) {
      path.push(this.#visited.get(each, fields.choice));
    }
    return path.reverse();
  }

  // The path holds the choices; the reads between them are found again by making those choices.
  #replay(path: readonly number[]): number[] {
    const order: number[] = [];
    const told = (op: number): void => {
      order.push(this.#schedule.places[op] as number);
    };
    this.#rewind(0);
    this.#bits.fill(0);
    this.#idle = -1;
    this.#state = this.#visited.get(ROOT, fields.state);
    this.#settle(told);
    for (const choice of path) {
      const state = this.#stateAfter(choice);
      if (choice < this.#skip) told(choice);
      this.#linearize(this.#operationOf(choice), state);
      this.#settle(told);
    }
    return order;
  }
}
