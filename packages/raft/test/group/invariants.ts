// What must hold of a whole group at every moment, seen from outside (Raft figure 3), and what its
// clients must not be able to tell from one map on one machine.
//
//   Election Safety         one leader per term; one vote per member and term
//   Leader Completeness     who is elected has every entry that was committed before
//   State Machine Safety    at one index, nobody commits anything else
//   Log Matching            same index and term: the same log up to there
//   monotone commit         in one life, a commit index never falls
//   no write lost           what was acknowledged is in the state of all, in the end
//   linearizable            the clients' history has an order that explains it
//   live again              after the faults: one leader within ten election timeouts, equal states
import assert from "node:assert/strict";
import { check, type KvInput, type KvOutput, kvModel, Recorder } from "@compendium/linearizability";
import type { Entry } from "@compendium/raft";
import type { Invariants, Run } from "@compendium/simulation";
import type { coreOf } from "../../src/core/raw-node.ts";
import type { engineOf } from "../../src/node/raft-node.ts";
import type { ClientEvent } from "./client.ts";
import type { Member } from "./member.ts";

/** Ways to look inside, of the package under test. */
export interface Insight {
  readonly coreOf: typeof coreOf;
  readonly engineOf: typeof engineOf;
}

type Core = ReturnType<typeof coreOf>;

/** What is watched. */
export interface GroupInvariantsOptions {
  readonly run: Run;
  readonly insight: Insight;
  readonly members: readonly string[];
  readonly clients: number;
  readonly electionTimeoutMs: number;
}

/** The invariants of one run. */
export class GroupInvariants implements Invariants {
  readonly #options: GroupInvariantsOptions;
  readonly #leaders = new Map<number, number>();
  readonly #votes = new Map<string, number>();
  readonly #committed = new Map<number, Entry>();
  #committedMax = 0;
  readonly #seen = new Map<string, { member: Member; committed: number; term: number }>();
  readonly #recorder = new Recorder<KvInput, KvOutput>();
  readonly #calls = new Map<string, ReturnType<Recorder<KvInput, KvOutput>["call"]>>();
  #content = 0;
  #healedUs: number | undefined;
  // Since then. It may have handed over by now: the operator does not stop.
  #hadLeader = false;
  #operations = 0;

  constructor(options: GroupInvariantsOptions) {
    this.#options = options;
  }

  observe({ event, data }: { event: string; data?: unknown }): void {
    if (event === "content") this.#content++;
    if (event === "vote") this.#voted(data as { from: number; to: number; term: number });
    if (event === "call") {
      const { process, input } = data as ClientEvent & { input: KvInput };
      this.#calls.set(process, this.#recorder.call(input, { process }));
      this.#operations++;
    }
    if (event === "return") {
      const { process, output } = data as { process: string; output?: KvOutput };
      this.#calls.get(process)?.ok(output);
    }
    if (event === "fail") this.#calls.get((data as { process: string }).process)?.fail();
  }

  #voted({ from, to, term }: { from: number; to: number; term: number }): void {
    const key = `${from}@${term}`;
    const before = this.#votes.get(key) ?? to;
    assert.equal(before, to, `member ${from} voted for ${before} and for ${to} in term ${term}`);
    this.#votes.set(key, to);
  }

  step(): void {
    for (const name of this.#options.members) {
      const member = this.#options.run.exposed(name) as Member | undefined;
      if (member !== undefined) this.#look(name, member);
    }
  }

  #look(name: string, member: Member): void {
    const core = this.#core(member);
    const { log, term } = core;
    let seen = this.#seen.get(name);
    if (seen?.member !== member) {
      seen = { member, committed: log.firstIndex() - 1, term: 0 };
      this.#seen.set(name, seen);
    }
    assert.ok(term >= seen.term, `${name}: the term fell from ${seen.term} to ${term}`);
    assert.ok(log.committed >= seen.committed, `${name}: the commit index fell`);
    seen.term = term;
    if (core.role === "leader" && this.#leaders.get(term) !== core.id) this.#leads(name, core);
    if (log.committed === seen.committed) return;
    const from = Math.max(seen.committed + 1, log.firstIndex());
    const entries = log.slice(from, log.committed + 1, Number.POSITIVE_INFINITY) ?? [];
    for (const entry of entries) this.#agrees(name, entry);
    seen.committed = log.committed;
  }

  #core({ node }: Member): Core {
    const { coreOf: core, engineOf: engine } = this.#options.insight;
    return core(engine(node).raw);
  }

  #agrees(name: string, entry: Entry): void {
    const { index } = entry;
    const first = this.#committed.get(index);
    if (first === undefined) {
      this.#committed.set(index, entry);
      this.#committedMax = Math.max(this.#committedMax, index);
      return;
    }
    if (first === entry) return;
    const message = `State Machine Safety: ${name} has committed another entry ${index}`;
    assert.equal(entry.term, first.term, message);
    assert.ok(Buffer.compare(entry.data, first.data) === 0, message);
  }

  #leads(name: string, { id, term, log }: Core): void {
    const other = this.#leaders.get(term);
    assert.equal(other, undefined, `Election Safety: ${other} and ${id} lead term ${term}`);
    this.#leaders.set(term, id);
    for (let index = log.firstIndex(); index <= this.#committedMax; index++) {
      const entry = this.#committed.get(index);
      // An old leader may only now hear that it was elected: later terms are not its to have.
      if (entry === undefined || entry.term > term) continue;
      const message = `Leader Completeness: ${name} leads term ${term} without entry ${index}`;
      assert.equal(log.term(index), entry.term, message);
    }
  }

  live(): boolean {
    const { run, electionTimeoutMs, clients } = this.#options;
    this.#healedUs ??= run.nowUs();
    const leader = this.#leader();
    this.#hadLeader ||= leader !== undefined;
    const elapsedMs = (run.nowUs() - this.#healedUs) / 1_000;
    if (elapsedMs > 10 * electionTimeoutMs) {
      assert.ok(this.#hadLeader, `no leader within ${elapsedMs} ms after the last fault`);
    }
    if (this.#content < clients || leader === undefined) return false;
    const cores = this.#group(leader);
    return cores?.every(({ log }) => log.applied === leader.log.lastIndex()) === true;
  }

  #leader(): Core | undefined {
    const { run, members } = this.#options;
    let leader: Core | undefined;
    for (const name of members) {
      const member = run.exposed(name) as Member | undefined;
      const core = member && this.#core(member);
      if (core?.role === "leader" && core.term > (leader?.term ?? 0)) leader = core;
    }
    return leader;
  }

  // The members by the leader's word; undefined while one of them is down.
  #group(leader: Core): Core[] | undefined {
    const { run } = this.#options;
    const cores = leader.tracker.members.map(({ id }) => {
      const member = run.exposed(`n${id}`) as Member | undefined;
      return member && this.#core(member);
    });
    return cores.every((core) => core !== undefined) ? cores : undefined;
  }

  end(): void {
    const leader = this.#leader() as Core;
    const cores = this.#group(leader) as Core[];
    const machines = cores.map(({ id }) => this.#options.run.exposed(`n${id}`) as Member);
    const states = machines.map(({ machine }) => JSON.stringify([...machine.values].sort()));
    for (const state of states) assert.equal(state, states[0], "the members' states differ");
    assert.equal(
      leader.tracker.configuration.autoLeave,
      false,
      "a joint configuration is not left",
    );
    this.#checkLogs(cores);
    assert.ok(this.#operations > 0, "no client has done anything");
    const { verdict } = check(this.#recorder.history(), kvModel());
    assert.equal(verdict, "ok", `the clients' history is ${verdict}: not linearizable`);
  }

  #checkLogs(cores: readonly Core[]): void {
    for (const one of cores) {
      for (const other of cores) {
        if (one.id >= other.id) continue;
        const low = Math.max(one.log.firstIndex(), other.log.firstIndex());
        let agree = false;
        for (let at = Math.min(one.log.lastIndex(), other.log.lastIndex()); at >= low; at--) {
          agree ||= one.log.term(at) === other.log.term(at);
          if (!agree) continue;
          const [mine] = one.log.slice(at, at + 1, 1) ?? [];
          const [theirs] = other.log.slice(at, at + 1, 1) ?? [];
          assert.equal(mine?.term, theirs?.term, `Log Matching: the terms of ${at}`);
          assert.deepEqual(mine?.data, theirs?.data, `Log Matching: the commands of ${at}`);
        }
      }
    }
  }
}
