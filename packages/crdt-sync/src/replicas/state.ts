// A lattice or a tree as the protocol sees it. What it lacks is a delta, and what it has seen is a
// set of dots; but a set without tombstones makes no dot for a removal, it only says which dots are
// gone, so that two replicas can have seen the same and hold different things. Here the dots that
// are gone are part of the version, under the replica's name with a dagger before it. Both sets
// only grow; equal versions mean equal states; and what was removed is sent once, like everything.
import {
  CausalContext,
  Delta,
  type Replicated as Lattice,
  type MovableTree,
} from "@compendium/crdt";
import type { Replicated } from "../replicated.ts";

/** What stands before a replica's name for its dots that are gone: no replica's name has it. */
export const GONE = "\u2020";

/** A lattice or a tree. */
export class StateReplica implements Replicated {
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
