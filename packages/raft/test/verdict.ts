// What must hold at every moment, whatever the adversary does (Raft figure 3), and what a node may
// say only once it is true.
//
//   Election Safety        at most one leader per term
//   Log Matching           same index and term: same command, and the same log before it
//   Leader Completeness    whoever is elected has every entry committed before
//   State Machine Safety   at one index, nobody applies or commits anything else
//   monotone commit        a commit index never falls
//   durable promises       a vote stands for its term; what is acknowledged is on disk
//   linearizable reads     an answer includes all that was committed when the read was asked
import assert from "node:assert/strict";
import type { Entry, Message, ReadState } from "@compendium/raft";
import type { Peer, Subject } from "./cluster.ts";

/** The invariants, checked as the run goes on. */
export class Verdict {
  readonly #subject: Subject;
  readonly #peers: readonly Peer[];
  readonly #leaders = new Map<number, number>();
  readonly #votes = new Map<string, number>();
  /** What is committed, by index, since somebody first said so. */
  readonly #committed = new Map<number, Entry>();
  #committedMax = 1;
  readonly #known = new Map<number, { committed: number; term: number }>();
  // Index: the number of the read. Value: what was committed when it was asked.
  readonly #reads: number[] = [];
  readonly counts = { elections: 0, reads: 0, changes: 0, snapshots: 0 };

  constructor(subject: Subject, peers: readonly Peer[]) {
    this.#subject = subject;
    this.#peers = peers;
  }

  /** How much was committed: a run in which nothing happens proves nothing. */
  get committedMax(): number {
    return this.#committedMax;
  }

  /** The leader of the highest term, if that is unique and up. */
  leader(): Peer | undefined {
    let best: Peer | undefined;
    let term = 0;
    for (const peer of this.#peers) {
      if (peer.node === undefined) continue;
      const core = this.#subject.coreOf(peer.node);
      if (core.role === "leader" && core.term > term) {
        term = core.term;
        best = peer;
      }
    }
    return best;
  }

  restarted(peer: Peer): void {
    // A commit index need not be durable; terms must be.
    const { term, commit } = peer.storage.initialState().hardState;
    const known = this.#known.get(peer.id);
    this.#known.set(peer.id, { committed: commit, term: Math.max(term, 0) });
    if (known !== undefined) assert.ok(term <= known.term, "the disk is ahead of the node");
  }

  check(): void {
    for (const peer of this.#peers) {
      if (peer.node === undefined) continue;
      const core = this.#subject.coreOf(peer.node);
      const known = this.#known.get(peer.id) as { committed: number; term: number };
      assert.ok(core.term >= known.term, `${peer.id}: the term fell`);
      assert.ok(core.log.committed >= known.committed, `${peer.id}: the commit index fell`);
      assert.ok(core.log.applied <= core.log.committed, `${peer.id}: applied, not committed`);
      for (let index = known.committed + 1; index <= core.log.committed; index++) {
        const [entry] = core.log.slice(index, index + 1, Number.POSITIVE_INFINITY) ?? [];
        if (entry !== undefined) this.#agrees(peer, entry);
      }
      known.committed = core.log.committed;
      known.term = core.term;
      this.#committedMax = Math.max(this.#committedMax, core.log.committed);
      if (core.role === "leader") this.#leads(peer, core.term);
    }
  }

  #leads(peer: Peer, term: number): void {
    const other = this.#leaders.get(term);
    if (other === peer.id) return;
    assert.equal(other, undefined, `Election Safety: ${other} and ${peer.id} lead term ${term}`);
    this.#leaders.set(term, peer.id);
    this.counts.elections++;
    if (peer.node === undefined) return;
    const { log } = this.#subject.coreOf(peer.node);
    for (const entry of this.#committed.values()) {
      // An old leader may only now hear that it was elected: later terms are not its to have.
      if (entry.term > term || entry.index < log.firstIndex()) continue;
      const own = log.term(entry.index);
      const message = `Leader Completeness: ${peer.id} leads term ${term} without ${entry.index}`;
      assert.equal(own, entry.term, message);
    }
  }

  #agrees(peer: Peer, entry: Entry): void {
    const first = this.#committed.get(entry.index);
    if (first === undefined) {
      this.#committed.set(entry.index, entry);
      return;
    }
    const message = `State Machine Safety: ${peer.id} has another entry ${entry.index}`;
    assert.equal(entry.term, first.term, message);
    assert.deepEqual(entry.data, first.data, message);
  }

  applied(peer: Peer, entry: Entry): void {
    assert.equal(entry.index, peer.applied + 1, `${peer.id} applies out of order`);
    this.#agrees(peer, entry);
    if (entry.type === "conf-change") this.counts.changes++;
  }

  /** A message leaves a node: what it promises must be true by now. */
  sent({ id, storage }: Peer, { type, term, to, index, reject }: Message): void {
    if (reject) return;
    if (type === "snapshot") this.counts.snapshots++;
    if (type === "vote-response") {
      const { hardState } = storage.initialState();
      const isDurable = hardState.term > term || (hardState.term === term && hardState.vote === to);
      assert.ok(isDurable, `${id} voted for ${to} in term ${term}, and has not synced it`);
      const key = `${id}@${term}`;
      const before = this.#votes.get(key) ?? to;
      assert.equal(before, to, `${id} voted for ${before} and ${to} in term ${term}`);
      this.#votes.set(key, to);
    }
    if (type === "append-response" && index > 0) {
      // Or more: what was acknowledged may have been overwritten since, by a later leader.
      const last = storage.lastIndex();
      const isDurable = index <= last || storage.initialState().hardState.term > term;
      assert.ok(isDurable, `${id} acknowledged ${index} and has synced ${last}`);
    }
  }

  /** A read is asked; returns what its answer will be recognised by. */
  asked(): Uint8Array {
    this.#reads.push(this.#committedMax);
    return new TextEncoder().encode(String(this.#reads.length - 1));
  }

  answered(peer: Peer, states: readonly ReadState[]): void {
    for (const { index, context } of states) {
      this.counts.reads++;
      const number = Number(new TextDecoder().decode(context));
      const least = this.#reads[number] as number;
      const message = `stale read: ${peer.id} answers ${index}, ${least} was committed`;
      assert.ok(index >= least, message);
    }
  }

  /** In the calm, nobody stays in a joint configuration that is to be left by itself. */
  checkLeft(): void {
    const node = this.leader()?.node;
    if (node === undefined) return;
    const { autoLeave } = node.status().configuration;
    assert.equal(autoLeave, false, "a joint configuration is not left");
  }

  /** Log Matching, over all pairs. */
  checkLogs(): void {
    const logs = this.#peers.flatMap(({ node }) =>
      node === undefined ? [] : [this.#subject.coreOf(node).log],
    );
    for (const one of logs) {
      for (const other of logs) {
        if (one === other) continue;
        const low = Math.max(one.firstIndex(), other.firstIndex());
        let agree = false;
        for (let index = Math.min(one.lastIndex(), other.lastIndex()); index >= low; index--) {
          agree ||= one.term(index) === other.term(index);
          if (!agree) continue;
          const [mine] = one.slice(index, index + 1, 1) ?? [];
          const [theirs] = other.slice(index, index + 1, 1) ?? [];
          assert.equal(mine?.term, theirs?.term, `Log Matching: terms of ${index}`);
          assert.deepEqual(mine?.data, theirs?.data, `Log Matching: commands of ${index}`);
        }
      }
    }
  }
}
