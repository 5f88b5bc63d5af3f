// A document, a text or a list as the protocol sees it: it keeps a log, so that what is sent is
// what is missing, and its version is a vector, which is one interval for each replica.
//
// A log may have been compacted. Whoever is so far behind that what he lacks is no longer told
// apart gets everything: a new member with an empty replica, or a journal that is written anew. He
// takes it in place of his own, if it has all that he has; otherwise he has made something that
// nobody can place any more, and the replica refuses it.
import { CausalContext, CrdtError } from "@compendium/crdt";
import type { Replicated } from "../replicated.ts";

/** For each replica, how many of its operations are known. */
export type Vector = ReadonlyMap<string, number>;

/** What has a log, and a vector that says how far it goes. */
export interface Logged {
  /** The name under which it edits. */
  readonly agent: string;
  /** What it knows. */
  readonly version: Vector;
  /** How many updates wait, and how many bytes its history takes. */
  readonly stats: { readonly pending: number; readonly bytes: number };
  /** Takes in an update, or everything that another one has. */
  merge(bytes: Uint8Array): unknown;
  /** Everything. */
  encode(): Uint8Array;
  /** Lets go of history that all replicas have; returns how many operations that were. */
  compact?(stable: Vector): number;
  /** A fingerprint. */
  digest(): string;
  /** Tells of each change. */
  onChange(listener: () => void): Disposable;
}

/** What a replica of that version lacks: it is called otherwise in each of them. */
export type Since = (version: Vector) => Uint8Array;

/** A document, a text or a list. */
export class LogReplica implements Replicated {
  readonly kind: string;
  readonly agent: string;
  readonly #value: Logged;
  readonly #since: Since;

  constructor(kind: string, value: Logged, since: Since) {
    this.kind = kind;
    this.agent = value.agent;
    this.#value = value;
    this.#since = since;
  }

  get pending(): number {
    return this.#value.stats.pending;
  }

  get bytes(): number {
    return this.#value.stats.bytes;
  }

  version(): CausalContext {
    return contextOf(this.#value.version);
  }

  since(version: CausalContext): Uint8Array {
    try {
      return this.#since(vectorOf(version));
    } catch (error) {
      if (!(error instanceof CrdtError) || error.code !== "CRDT_COMPACTED") throw error;
      return this.#value.encode();
    }
  }

  merge(bytes: Uint8Array): void {
    this.#value.merge(bytes);
  }

  digest(): string {
    return this.#value.digest();
  }

  onChange(listener: () => void): Disposable {
    return this.#value.onChange(listener);
  }

  compact(stable: CausalContext): boolean {
    return (this.#value.compact?.(vectorOf(stable)) ?? 0) > 0;
  }
}

/** The dots of a vector. */
export function contextOf(vector: Vector): CausalContext {
  const runs = new Map<string, number[]>();
  for (const [agent, count] of vector) if (count > 0) runs.set(agent, [1, count + 1]);
  return new CausalContext(runs);
}

/** Of each replica, how many operations from the first on. */
export function vectorOf(version: CausalContext): Map<string, number> {
  const vector = new Map<string, number>();
  for (const [agent, from, to] of version.intervals()) if (from === 1) vector.set(agent, to - 1);
  return vector;
}
