// What can be kept in sync, seen from here: something with a version, that can say what another
// version lacks, and take in what it lacks itself. Everything else about a type is its own affair.
//
// The versions of all types are sets of dots, (replica, counter) from 1 on: a sequence's vector is
// one interval for each replica. A set without tombstones needs more: a removal makes no dot, it
// only says which dots are gone, so that two replicas can have seen the same and hold different
// things. Here the dots that are gone are part of the version, under the replica's name with a
// dagger before it. Both sets only grow; equal versions mean equal states; and what was removed is
// sent once, like everything else.
import {
  CausalContext,
  Delta,
  type Replicated as Lattice,
  type List,
  type MovableTree,
  Text,
} from "@compendium/crdt";

/** A replica of something, as the protocol needs it. */
export interface Replicated {
  /** The type: two documents of one name must agree on it. 1 to 32 printable ASCII characters. */
  readonly kind: string;
  /** The name under which this replica makes its own operations. */
  readonly agent: string;
  /** The operations that it knows. */
  version(): CausalContext;
  /** What a replica of that version lacks. Costs what is missing, or, for a lattice, the state. */
  since(version: CausalContext): Uint8Array;
  /** Takes in what `since` has made, in any order, any number of times; throws, or changes all. */
  merge(bytes: Uint8Array): void;
  /** A fingerprint: replicas of one version have the same one. */
  digest(): string;
  /** How many updates wait for others. */
  readonly pending: number;
  /** Has every change told, if it can; else say `changed()` after each one of your own. */
  onChange?(listener: () => void): Disposable;
  /** Has the next `version` look at everything again. */
  refresh?(): void;
  /**
   * Lets go what is kept for the sake of concurrent operations that cannot come any more, and says
   * whether there was any.
   */
  compact?(stable: CausalContext): boolean;
}

/** Anything of `@compendium/crdt` that has a replica of its own. */
export type Replicable = Text | List | Lattice<unknown> | MovableTree;

/** Makes a text, a list, a tree or a lattice ready for {@link Replicated}. */
export function replicated(value: Replicable): Replicated {
  return "flush" in value ? new Sequence(value) : new State(value);
}

// A text or a list. Its updates hold operations, so that what is sent is what is missing.
class Sequence implements Replicated {
  readonly kind: string;
  readonly agent: string;
  readonly #value: Text | List;

  constructor(value: Text | List) {
    this.kind = value instanceof Text ? "text" : "list";
    this.agent = value.agent;
    this.#value = value;
  }

  get pending(): number {
    return this.#value.stats.pending;
  }

  version(): CausalContext {
    const runs = [...this.#value.version].map(([agent, count]) => [agent, [1, count + 1]] as const);
    return new CausalContext(new Map(runs.map(([agent, run]) => [agent, [...run]])));
  }

  since(version: CausalContext): Uint8Array {
    const known = new Map<string, number>();
    for (const [agent, from, to] of version.intervals()) if (from === 1) known.set(agent, to - 1);
    return this.#value.encodeSince(known);
  }

  merge(bytes: Uint8Array): void {
    this.#value.merge(bytes);
  }

  digest(): string {
    return this.#value.digest();
  }
}

/** What stands before a replica's name for its dots that are gone: no replica's name has it. */
export const GONE = "\u2020";

// A lattice or a tree. They tell of their changes themselves.
class State implements Replicated {
  readonly kind: string;
  readonly agent: string;
  readonly pending = 0;
  readonly #value: Lattice<unknown> | MovableTree;
  // Invariant: while nothing is dirty and the seen dots are those, it is the version.
  #cached: { readonly seen: CausalContext; readonly version: CausalContext } | undefined;

  constructor(value: Lattice<unknown> | MovableTree) {
    // The third byte of an encoding is the number of its type.
    this.kind = `state-${value.encode()[2]}`;
    this.agent = value.replica;
    this.#value = value;
    value.subscribe(() => this.refresh());
  }

  version(): CausalContext {
    const seen = this.#value.version;
    if (this.#cached?.seen.equals(seen)) return this.#cached.version;
    const lacking = this.#value.since(seen);
    // What somebody lacks who has seen all: the news of what is gone.
    const version = lacking instanceof Delta ? withGone(seen, lacking.context) : seen;
    this.#cached = { seen, version };
    return version;
  }

  since(version: CausalContext): Uint8Array {
    const { seen, gone } = parted(version);
    const lacking = this.#value.since(seen);
    if (!(lacking instanceof Delta)) return lacking.encode();
    return new Delta(lacking.kind, lacking.store, lacking.context.minus(gone)).encode();
  }

  merge(bytes: Uint8Array): void {
    this.#value.join(bytes);
    this.refresh();
  }

  digest(): string {
    return this.#value.digest();
  }

  onChange(listener: () => void): Disposable {
    return this.#value.subscribe(listener);
  }

  refresh(): void {
    this.#cached = undefined;
  }

  compact(stable: CausalContext): boolean {
    this.refresh();
    return this.#value.compact(parted(stable).seen) !== undefined;
  }
}

/** The dots of a version that were seen, and those that are gone. */
export function parted(version: CausalContext): { seen: CausalContext; gone: CausalContext } {
  const [seen, gone] = [new Map<string, number[]>(), new Map<string, number[]>()];
  for (const [agent, from, to] of version.intervals()) {
    const isGone = agent.startsWith(GONE);
    const runs = isGone ? gone : seen;
    const name = isGone ? agent.slice(1) : agent;
    const list = runs.get(name);
    if (list === undefined) runs.set(name, [from, to]);
    else list.push(from, to);
  }
  return { seen: new CausalContext(seen), gone: new CausalContext(gone) };
}

function withGone(seen: CausalContext, gone: CausalContext): CausalContext {
  const version = seen.copy();
  const runs = new Map<string, number[]>();
  for (const [agent, from, to] of gone.intervals()) {
    const list = runs.get(GONE + agent);
    if (list === undefined) runs.set(GONE + agent, [from, to]);
    else list.push(from, to);
  }
  version.join(new CausalContext(runs));
  return version;
}
