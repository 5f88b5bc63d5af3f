// The contract of every type: the laws of a join-semilattice, and what bytes must keep. One suite,
// run for each; a broken law throws, so that the planted bugs are judged by the same suite.
import { isDeepStrictEqual } from "node:util";
import { pick as pickOne, SeededRandom } from "@compendium/runtime";
import type * as lattice from "../../src/index.ts";
import type { Case, Subject, Value } from "./case.ts";

const NAMES = ["r1", "r2", "r3"];

/** Three replicas of one value that have updated apart, and told each other some of it. */
export class Trio {
  readonly subject: Subject;
  readonly case: Case;
  readonly values: Value[];
  /** Every delta, in the order in which they were made. */
  readonly deltas: lattice.Delta[] = [];

  constructor(subject: Subject, it: Case, seed: number, compacts = true) {
    this.subject = subject;
    this.case = it;
    this.values = NAMES.map((name) => this.fresh(name));
    const random = new SeededRandom(seed);
    for (let steps = 5 + random.below(25); steps > 0; steps--) {
      const value = pickOne(random, this.values);
      if (random.below(4) === 0) {
        value.join(pickOne(random, this.values).state());
      } else if (compacts && random.below(12) === 0) {
        this.#keep(value.compact(this.#stable()));
      } else {
        const before = value.state();
        const delta = it.act(value, it.draw(random), NAMES);
        inflates(before, value, delta);
        this.#keep(delta);
      }
    }
  }

  /** Another replica of the same type, with nothing in it. */
  fresh(name = "fresh"): Value {
    const clock = new this.subject.HybridLogicalClock({ wallMs: () => 1_000_000 });
    return this.case.make(this.subject, name, clock);
  }

  /** A replica that has joined these, in their order. */
  join(...told: readonly (lattice.Delta | Uint8Array)[]): Value {
    const value = this.fresh();
    for (const each of told) value.join(each);
    return value;
  }

  #keep(delta: lattice.Delta | undefined): void {
    if (delta !== undefined) this.deltas.push(delta);
  }

  // Nothing is stable before all have heard from all: here, what all have.
  #stable(): lattice.CausalContext {
    const [first, ...others] = this.values.map(({ version }) => version) as [
      lattice.CausalContext,
      ...lattice.CausalContext[],
    ];
    const states = this.values.map((value) => value.state());
    for (const value of this.values) for (const state of states) value.join(state);
    return others.reduce((all, version) => all.meet(version), first);
  }
}

function inflates(before: lattice.Delta, value: Value, delta: lattice.Delta | undefined): void {
  same("an update is its delta joined", before.join(delta ?? before), value.state());
  same("an update only goes up", before.join(value.state()), value.state());
}

// With the types of fields: two of them can have one name, and one takes the other's place.
function readOf(value: Value): string {
  const items = Symbol.iterator in value ? [...(value as unknown as Iterable<unknown>)] : [];
  return JSON.stringify([value.toJSON(), items.map((it) => JSON.stringify(it)).sort()]);
}

interface Digested {
  digest(): string;
}

function same(law: string, a: Digested, b: Digested): void {
  if (a.digest() !== b.digest()) throw new Error(`broken: ${law}`);
}

function holds(law: string, is: boolean): void {
  if (!is) throw new Error(`broken: ${law}`);
}

/** Every law, by its name. */
export const laws: Readonly<Record<string, (trio: Trio, random: SeededRandom) => void>> = {
  "join is commutative, associative and idempotent": (trio) => {
    const [a, b, c] = trio.values.map((value) => value.state()) as [
      lattice.Delta,
      lattice.Delta,
      lattice.Delta,
    ];
    same("commutative", a.join(b), b.join(a));
    same("associative", a.join(b).join(c), a.join(b.join(c)));
    same("idempotent", a.join(a), a);
    same("idempotent after another", a.join(b).join(b), a.join(b));
    const [first, second] = [trio.join(a, b, c), trio.join(c, b, a)];
    same("in place", first, second);
    holds("a second time is no news", !first.join(b));
    holds("equal states read the same", isDeepStrictEqual(first.toJSON(), second.toJSON()));
    same("in place as by value", first.state(), a.join(b).join(c));
  },
  "deltas in any order, repeated and grouped, join to the state": (compacted, random) => {
    // The delta of a compaction is not for any order: it must come when it was made.
    const trio = new Trio(compacted.subject, compacted.case, random.below(2 ** 31), false);
    const all = trio.join(...trio.values.map((value) => value.state()));
    const shuffled = [...trio.deltas, ...trio.deltas.filter(() => random.below(3) === 0)]
      .map((delta) => ({ delta, at: random.below(1_000_000) }))
      .sort((a, b) => a.at - b.at)
      .map(({ delta }) => delta);
    same("deltas", trio.join(...shuffled), all);
    const groups: lattice.Delta[] = [];
    for (const delta of shuffled) {
      const last = groups.at(-1);
      if (last === undefined || random.below(3) === 0) groups.push(delta);
      else groups[groups.length - 1] = last.join(delta);
    }
    same("groups of deltas", trio.join(...groups), all);
    same("groups of deltas as bytes", trio.join(...groups.map((it) => it.encode())), all);
  },
  "operations under causal delivery lead to the state": (trio) => {
    const { subject, values, deltas } = trio;
    const inboxes = values.map((_, i) => new subject.CausalInbox(`in${i}`));
    const [sender, ...receivers] = inboxes as [lattice.CausalInbox, ...lattice.CausalInbox[]];
    const operations = deltas.map((delta) => sender.send(delta));
    const all = trio.join(...values.map((value) => value.state()));
    for (const receiver of receivers) {
      const value = trio.fresh();
      // Backwards and twice: the inbox holds them until their turn, and delivers them once.
      for (const operation of [...operations, ...operations].reverse()) {
        for (const delta of receiver.receive(operation)) value.join(delta);
      }
      same("operations", value, all);
    }
  },
  "what is told since a version is what is missing": (trio) => {
    const [a, b] = trio.values as [Value, Value];
    const expected = trio.join(a.state(), b.state());
    const part = a.since(b.version);
    holds("it was news, or nothing was missing", b.join(part) || b.version.covers(a.version));
    same("since", b, expected);
    holds("nothing is missing any more", !b.join(a.since(b.version)));
  },
  "decode(encode) is the identity, and bytes have one form": (trio) => {
    for (const told of [...trio.values.map((value) => value.state()), ...trio.deltas]) {
      const bytes = told.encode();
      const { Delta, TreeDelta } = trio.subject;
      const decoded = told instanceof Delta ? Delta.decode(bytes) : TreeDelta.decode(bytes);
      same("decoded", decoded, told);
      holds("one form", isDeepStrictEqual(decoded.encode(), bytes));
    }
    const [value] = trio.values as [Value];
    same("a replica from bytes", trio.join(value.encode()), value);
  },
  "digests are equal exactly if states are": (compacted, random) => {
    // A compacted tree is the same tree in fewer bytes.
    const trio = new Trio(compacted.subject, compacted.case, random.below(2 ** 31), false);
    const seen = new Map<string, string>();
    for (const told of [...trio.values.map((value) => value.state()), ...trio.deltas]) {
      const bytes = Buffer.from(told.encode()).toString("base64");
      const digest = told.digest();
      holds("equal digests, equal states", (seen.get(digest) ?? bytes) === bytes);
      seen.set(digest, bytes);
    }
    holds("different digests", new Set(seen.values()).size === seen.size);
  },
  "a listener hears of exactly what is read anew": (trio) => {
    if (trio.case.tellsMore) return;
    const [a, b] = trio.values as [Value, Value];
    const copy = trio.join(a.state());
    const before = readOf(copy);
    let heard = 0;
    const listening = copy.subscribe((changes) => {
      heard += changes.length;
      for (const it of changes) holds("it changed", !isDeepStrictEqual(it.before, it.after));
    });
    copy.join(b.state());
    listening[Symbol.dispose]();
    holds("heard", heard > 0 === (readOf(copy) !== before));
    const heardSoFar = heard;
    trio.case.act(copy, trio.case.draw(new SeededRandom(1)), NAMES);
    holds("no more after it is disposed", heard === heardSoFar);
  },
};
