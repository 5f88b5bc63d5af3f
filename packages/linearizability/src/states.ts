// States as small numbers. A configuration holds the number of its state, so that comparing two
// states is comparing two integers; the model's own equality is asked once, when a state is new.
import type { Model } from "./model.ts";

// A guess: an entry of a Map, and the smallest of objects behind it.
const BYTES_EACH = 96;

/** The distinct states that one search has met. */
export class States<State> {
  readonly #model: Pick<Model<State, never, never>, "hash" | "equals">;
  readonly #list: State[] = [];
  // Without a hash of the model's own: state to number.
  readonly #numbers = new Map<State, number>();
  // With one: hash to the numbers of all states that share it.
  readonly #buckets = new Map<number, number[]>();
  #bytes = 0;

  constructor(model: Pick<Model<State, never, never>, "hash" | "equals">) {
    this.#model = model;
  }

  /** Bytes held, roughly: the states of a model may share their parts, or hide them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The state with that number. */
  at(number: number): State {
    return this.#list[number] as State;
  }

  /** The number of a state, a new one if no equal state was met before. */
  numberOf(state: State): number {
    if (this.#model.hash !== undefined) return this.#hashed(state, this.#model.hash(state));
    const known = this.#numbers.get(state);
    if (known !== undefined) return known;
    const number = this.#add(state);
    this.#numbers.set(state, number);
    return number;
  }

  #hashed(state: State, hash: number): number {
    const bucket = this.#buckets.get(hash);
    if (bucket === undefined) {
      const number = this.#add(state);
      this.#buckets.set(hash, [number]);
      return number;
    }
    for (const number of bucket) {
      const other = this.at(number);
      if (other === state || this.#model.equals?.(other, state)) return number;
    }
    const number = this.#add(state);
    bucket.push(number);
    return number;
  }

  #add(state: State): number {
    this.#bytes += BYTES_EACH + (typeof state === "string" ? 2 * state.length : 0);
    return this.#list.push(state) - 1;
  }
}
