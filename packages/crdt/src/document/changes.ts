// The changes of one document, as the world is told of them: the graph, which of the own ones have
// been sent, and what all of it is in bytes.
import { CausalGraph, type VersionVector } from "../causal/causal-graph.ts";
import { ByteWriter } from "../encoding/byte-writer.ts";
import { digestOf } from "../lattice/digest.ts";
import { compareStrings } from "../lattice/scalar.ts";
import { compactAll } from "./compaction.ts";
import type { Slot } from "./slot.ts";
import { Tag, writeUpdate } from "./update.ts";

/** What the containers have in common. */
export class Changes {
  /** Which change was made in knowledge of which. */
  graph: CausalGraph = new CausalGraph();
  readonly #agent: string;
  readonly #slots: ReadonlyMap<string, Slot>;
  // The own changes that were sent, and what each container had of its own then.
  #sent = 0;
  readonly #ownSent: Map<Slot, number> = new Map();

  constructor(agent: string, slots: ReadonlyMap<string, Slot>) {
    this.#agent = agent;
    this.#slots = slots;
  }

  /** How many own changes there are. */
  get own(): number {
    return this.graph.known(this.#agent);
  }

  /** Whether all of them were sent. */
  get isAllSent(): boolean {
    return this.own === this.#sent;
  }

  /** Adds a change to these containers, made here. Returns its number. */
  add(): number {
    return this.graph.seqOf(this.graph.addLocal(this.graph.agentNumber(this.#agent), 1));
  }

  /** The own changes that were not sent; from then on, they were. Undefined for none. */
  flush(): Uint8Array<ArrayBuffer> | undefined {
    if (this.isAllSent) return undefined;
    const ranges = this.graph.missingFrom(this.graph.vector().set(this.#agent, this.#sent));
    const bytes = this.#write(Tag.Update, ranges, (slot) => {
      return slot.flush(this.#ownSent.get(slot) ?? 0);
    });
    this.markSent();
    return bytes;
  }

  /** What a version lacks. */
  since(version: VersionVector): Uint8Array<ArrayBuffer> {
    const ranges = this.graph.missingFrom(version);
    return this.#write(Tag.Update, ranges, (slot) => slot.since(slot.counts.vector(version)));
  }

  /** Everything. */
  encode(): Uint8Array<ArrayBuffer> {
    const ranges = this.graph.length > 0 ? [0, this.graph.length] : [];
    return this.#write(Tag.Document, ranges, (slot) => slot.encode());
  }

  /** A fingerprint of what is known, and what it makes. */
  digest(): string {
    const writer = new ByteWriter();
    const agents = [...this.graph.vector()].sort(([a], [b]) => compareStrings(a, b));
    writer.number(agents.length);
    for (const [agent, count] of agents) {
      writer.ascii(agent);
      writer.number(count);
    }
    for (const slot of this.#slots.values()) {
      writer.string(slot.name);
      writer.ascii(slot.digest());
    }
    return digestOf(writer.take());
  }

  /** Lets go of history; returns how many changes that were. */
  compact(stable: VersionVector): number {
    const left = compactAll(this.graph, this.#slots.values(), stable);
    if (left === undefined) return 0;
    this.graph = left.graph;
    const { version } = left.base;
    // What every replica has need not be sent.
    if (this.#sent < (version.get(this.#agent) ?? 0)) this.markSent(version);
    return left.cut;
  }

  /** Takes the own changes of a version for sent; without one, all. */
  markSent(version: VersionVector = this.graph.vector()): void {
    this.#sent = version.get(this.#agent) ?? 0;
    for (const slot of this.#slots.values()) {
      this.#ownSent.set(slot, slot.counts.vector(version).get(this.#agent) ?? 0);
    }
  }

  #write(
    tag: number,
    ranges: readonly number[],
    encode: (slot: Slot) => Uint8Array,
  ): Uint8Array<ArrayBuffer> {
    return writeUpdate(tag, this.graph, ranges, this.#slots.values(), encode);
  }
}
