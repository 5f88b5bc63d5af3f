// What every type has in common, whatever it holds. A value is its own replica: it is updated here,
// tells of it in deltas, and joins those of others. For all of them hold the laws of a
// join-semilattice, which one suite checks for every type: join is commutative, associative and
// idempotent; updates only go up; a delta joined is the state joined; decode(encode) changes
// nothing; digests are equal exactly if states are.
import { type CausalContext, DotList } from "./context.ts";
import { bodyOf, Delta, encodeState } from "./delta.ts";
import { digestOf } from "./digest.ts";
import type { Change, Kind, Mutation } from "./kind.ts";
import { type ReplicaOptions, Root, Site } from "./site.ts";

/** A value that lives in a map: it has the verbs of its type, but no state of its own. */
export type FieldOf<T> = Omit<T, Exclude<keyof Replicated<unknown>, "toJSON">>;

/** A replicated value. */
export abstract class Replicated<S> {
  readonly #site: Site<S>;

  /** @param at the replica's name, or its options; a site inside this package */
  constructor(kind: Kind<S>, at: string | ReplicaOptions | Site<S>) {
    if (at instanceof Site) this.#site = at;
    else this.#site = new Root(kind, typeof at === "string" ? { replica: at } : at);
  }

  /** The name of this replica. */
  get replica(): string {
    return this.#root.replica;
  }

  /** The dots that this state has seen: what another replica needs to find out what it lacks. */
  get version(): CausalContext {
    return this.#root.context.copy();
  }

  /**
   * Joins what another replica tells, as a delta or as bytes, and returns whether it was news.
   *
   * @throws CrdtError when it is not for this type, or not whole; nothing has changed then
   */
  join(told: Delta | Uint8Array): boolean {
    return this.#root.join(told instanceof Delta ? told : Delta.decode(told));
  }

  /** All of the state. */
  state(): Delta {
    const { kind, context } = this.#root;
    return new Delta(kind, kind.empty(true), context.minus(context)).join(
      new Delta(kind, this.#root.store(), context),
    );
  }

  /** What a replica of that version lacks, removals included. Takes time in the state.s size. */
  since(version: CausalContext): Delta {
    const { kind, context } = this.#root;
    const kept = new DotList();
    const store = kind.since(this.#root.store(), version, kept);
    return new Delta(kind, store, context.minus(kept.context()));
  }

  /** Whether both are in the same state. Values that read the same can differ in what they saw. */
  equals(other: Replicated<S>): boolean {
    return this.#root.kind === other.#root.kind && this.digest() === other.digest();
  }

  /** A fingerprint of the state, 32 hexadecimal digits; equal exactly if the states are. */
  digest(): string {
    const { kind, context } = this.#root;
    return digestOf(bodyOf(kind, this.#root.store(), context));
  }

  /** The bytes of the state; `join` reads them. */
  encode(): Uint8Array<ArrayBuffer> {
    const { kind, context } = this.#root;
    return encodeState(kind, this.#root.store(), context);
  }

  /**
   * Lets go what is kept only for the sake of updates that can still come, and returns the delta
   * that does; undefined when there is nothing. `stable` has the dots of which this replica knows
   * that every replica had seen them when it made a state that has been joined here; see
   * {@link Stability}. The delta must reach the others before the updates that follow it.
   */
  compact(stable: CausalContext): Delta | undefined {
    return this.#root.compact(stable);
  }

  /** Calls back after each update or join that changes what is read, until it is disposed. */
  subscribe(listener: (changes: readonly Change[]) => void): Disposable {
    return this.#root.listeners.add(listener);
  }

  /** What is read, as JSON. */
  abstract toJSON(): unknown;

  /** Where it lives. */
  protected get site(): Site<S> {
    return this.#site;
  }

  /** What is stored. */
  protected get store(): S {
    return this.#site.store();
  }

  /** Makes an update, joins it here, and returns it. */
  protected mutate(make: (mutation: Mutation) => S): Delta {
    return this.#site.mutate(make);
  }

  get #root(): Root<unknown> {
    const root = this.#site.root;
    if ((this.#site as Site<unknown>) === root) return root;
    throw new TypeError("a field has no state of its own; ask the map that holds it");
  }
}
