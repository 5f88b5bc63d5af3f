import assert from "node:assert/strict";
import type { Fault, FaultKind, Scenario, World } from "@compendium/simulation";
import { quorumRegister } from "../quorum-register.ts";
import { run, runNodes, type Specs, wait } from "./subject.ts";

/** Fails where some seed draws a crash and a pause for one node; everything else is distraction. */
const needsTwo: Scenario = {
  nodes: ["a", "b"],
  node: () => {},
  invariants: (of) => ({
    end: () => {
      const crashed = (of.exposed("a") as { crashed?: boolean } | undefined)?.crashed;
      assert.ok(!crashed);
    },
  }),
};

const determinism: Specs = {
  "the same seed gives the same run, whoever listens or runs beside it": async (subject) => {
    const scenario = quorumRegister();
    const lines: unknown[] = [];
    const alone = await subject.checkSeed(scenario, 5);
    const heard = await subject.checkSeed(scenario, 5, { onTrace: (line) => lines.push(line) });
    const beside = await Promise.all([4, 5, 6].map((seed) => subject.checkSeed(scenario, seed)));
    assert.equal(heard.hash, alone.hash);
    assert.equal(beside[1]?.hash, alone.hash);
    assert.equal(new Set(beside.map(({ hash }) => hash)).size, 3);
    assert.ok(lines.length > 1_000);
    assert.deepEqual(JSON.parse(JSON.stringify(lines)), lines);
  },

  "code that asks the real world is found by running twice": async (subject) => {
    let calls = 0;
    const impure = ({ clock }: World): void => {
      clock.setTimer(clock.now() + ++calls, () => {});
    };
    const scenario = { nodes: ["a"], node: impure, invariants: () => ({}) };
    const { failure } = await subject.checkSeed(scenario, 1, { twice: true });
    assert.match(String(failure?.error), /something asks the real world/);
  },

  "the trace tells one value, one time and one message from another": async (subject) => {
    const hash = async (ms: number, to: string, message: number, data: unknown) => {
      const a = async (world: World): Promise<void> => {
        await wait(world, ms);
        world.datagrams.send(to, 0);
        const link = await world.transport.connect("b");
        link.send(Uint8Array.of(message));
        world.record("done", data);
      };
      const b = async ({ transport }: World): Promise<void> => {
        await transport.listen("b", () => {});
      };
      return (await runNodes(subject, { a, b, c: () => {} }, { untilMs: 100 })).hash;
    };
    const all = await Promise.all([
      hash(10, "b", 1, 1),
      hash(10, "b", 1, 1),
      hash(11, "b", 1, 1),
      hash(10, "c", 1, 1),
      hash(10, "b", 2, 1),
      hash(10, "b", 1, 2),
    ]);
    assert.equal(all[0], all[1]);
    assert.equal(new Set(all).size, 5, "only the two that are alike are alike");
  },
};

const schedules: Specs = {
  "a schedule keeps to its plan, and a seed draws the same one again": async (subject) => {
    const kinds: FaultKind[] = ["pause", "partition", "crashAtEffect"];
    const faults = { kinds, countMax: 5, effectsMax: 100, lastsUsMax: 1_000 };
    const scenario = { ...needsTwo, clients: ["c"], faults, phases: { safetyMs: 100 } };
    const met = new Set<FaultKind>();
    for (let seed = 0; seed < 200; seed++) {
      const drawn = subject.faultsOf(scenario, seed);
      assert.deepEqual(subject.faultsOf(scenario, seed), drawn);
      assert.ok(drawn.length >= 1 && drawn.length <= 5);
      for (const fault of drawn) {
        met.add(fault.kind);
        assert.ok(kinds.includes(fault.kind));
        if ("node" in fault) assert.notEqual(fault.node, "c", "clients are spared");
        if ("atUs" in fault) assert.ok(fault.atUs >= 0 && fault.atUs < 100_000);
        if ("forUs" in fault) assert.ok(fault.forUs >= 1 && fault.forUs <= 1_000);
        if ("effect" in fault) assert.ok(fault.effect >= 0 && fault.effect < 100);
      }
    }
    assert.equal(met.size, 3);
  },

  "each seed has some of the kinds, and all kinds are had": async (subject) => {
    const counts = new Map<FaultKind, number>();
    for (let seed = 0; seed < 500; seed++) {
      for (const kind of new Set(subject.faultsOf(needsTwo, seed).map((fault) => fault.kind))) {
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
      }
    }
    assert.deepEqual([...counts.keys()].sort(), [...subject.FAULT_KINDS].sort());
    assert.ok([...counts.values()].every((count) => count > 50 && count < 350));
  },

  "when troubles end, everything is sound and up": async (subject) => {
    const forEver = { atUs: 1_000, forUs: 1e12 };
    const faults: Fault[] = [
      { kind: "crash", node: "a", how: "kill", atUs: 1_000, downUs: 1e12 },
      { kind: "pause", node: "b", ...forEver },
      { kind: "partition", from: ["a"], to: ["b"], oneWay: false, ...forEver },
      { kind: "diskFull", node: "a", ...forEver },
      { kind: "diskSlow", node: "a", ...forEver },
      { kind: "syncFails", node: "a", ...forEver },
      {
        kind: "weather",
        lossPer1000: 1_000,
        duplicatesPer1000: 0,
        stragglersPer1000: 0,
        ...forEver,
      },
      { kind: "clockRate", node: "a", ppm: 50_000, ...forEver },
      { kind: "slowLink", from: "b", to: "a", factor: 1_000_000, ...forEver },
      { kind: "crash", node: "a", how: "kill", atUs: 3_000_000, downUs: 1e12 },
    ];
    const seen: unknown[] = [];
    const a = async (world: World): Promise<void> => {
      if (world.incarnation === 0) return;
      const file = await world.files.open("log", { create: "ifMissing" });
      await file.write(Uint8Array.of(1), 0);
      await file.sync();
      world.datagrams.send("b", "stored");
      world.datagrams.receive((message) => seen.push(message));
    };
    const b = ({ datagrams }: World): void => {
      datagrams.receive((message) => {
        seen.push(message);
        datagrams.send("a", "heard");
      });
    };
    const simulation = await runNodes(subject, { a, b }, { faults, untilMs: 2_000 });
    assert.deepEqual(seen, []);
    simulation.heal();
    await simulation.run(2_100_000);
    assert.deepEqual(seen, ["stored", "heard"]);
    await simulation.run(10_000_000);
    assert.equal(simulation.node("a").process?.incarnation, 1, "no fault comes later");
    assert.ok(Math.abs(simulation.node("a").ppm) <= 100);
  },
};

const shrinking: Specs = {
  "a schedule that is given takes the place of the one that is drawn": async (subject) => {
    const scenario = quorumRegister("forgets the folder");
    const nodes = ["r1", "r2", "r3"];
    const blackout: Fault = { kind: "blackout", nodes, atUs: 300_000, downUs: 1_000 };
    const failed = new Set<boolean>();
    for (let seed = 0; seed < 50; seed++) {
      const { faults, failure } = await subject.checkSeed(scenario, seed, { faults: [blackout] });
      assert.deepEqual(faults, [blackout]);
      failed.add(failure !== undefined);
      const without = await subject.checkSeed(scenario, seed, { faults: [blackout], only: [] });
      assert.equal(without.failure, undefined);
    }
    assert.ok(failed.has(true), "a folder that was never synced is lost now and then");
  },

  "ddmin leaves exactly what is needed": async (subject) => {
    const items = Array.from({ length: 24 }, (_, i) => i);
    for (const needed of [[], [7], [0, 23], [3, 4, 5], [1, 6, 11, 16, 21], items]) {
      let runs = 0;
      const fails = async (kept: readonly number[]): Promise<boolean> => {
        runs++;
        return needed.every((item) => kept.includes(item));
      };
      assert.deepEqual(await subject.ddmin(items, fails), needed);
      assert.ok(runs <= 24 ** 2 + 3 * 24, `the bound of the paper: ${runs}`);
    }
  },

  "a shortened schedule fails when it is replayed, and no part of it is idle": async (subject) => {
    const scenario = quorumRegister("acknowledges before sync", { kinds: ["blackout", "pause"] });
    const { failure } = await subject.simulate(scenario, { seeds: 500 });
    assert.ok(failure !== undefined, "the planted bug is found");
    const { only, calm, verdict } = await subject.shrink(scenario, failure.seed);
    assert.ok(only.length >= 1 && only.length <= 6, `${only}`);
    const again = await subject.checkSeed(scenario, failure.seed, { only, calm });
    assert.equal(again.hash, verdict.hash);
    assert.match(String(again.failure?.error), /was acknowledged/);
    for (const idle of only) {
      const fewer = only.filter((number) => number !== idle);
      const without = await subject.checkSeed(scenario, failure.seed, { only: fewer, calm });
      assert.equal(without.failure, undefined);
    }
    await assert.rejects(subject.shrink(quorumRegister(), 0), RangeError);
  },
};

const phases: Specs = {
  "what is not live again when troubles have ended fails": async (subject) => {
    const { failure } = await subject.simulate(quorumRegister("does not resend"), { seeds: 50 });
    assert.equal(failure?.failure?.phase, "liveness");
    assert.match(String(failure?.failure?.error), /not live within 10000 ms/);
  },

  "invariants hear of every record, every step and the end": async (subject) => {
    const calls = { observe: 0, step: 0, end: 0 };
    const scenario: Scenario = {
      nodes: ["a"],
      node: async (world) => {
        for (let i = 0; i < 3; i++) {
          await wait(world, 10);
          world.expose(i);
          world.record("tick", i);
        }
      },
      invariants: (of) => ({
        observe: ({ data }) => {
          calls.observe++;
          assert.equal(of.exposed("a"), data);
        },
        step: () => calls.step++,
        end: () => calls.end++,
      }),
      faults: { countMax: 0 },
      phases: { safetyMs: 100, livenessMs: 100 },
    };
    const { failure, faults, events } = await subject.checkSeed(scenario, 1);
    assert.deepEqual([failure, faults, calls.observe, calls.end], [undefined, [], 3, 1]);
    assert.ok(calls.step >= events);
  },

  "a world is refused that cannot be": async (subject) => {
    for (const nodes of [[], ["a", "a"], ["a:b"]]) {
      await assert.rejects(
        run(subject, { nodes }),
        /nodes must be different names without a colon/,
      );
    }
    const pause = { kind: "pause", node: "nobody", atUs: 1, forUs: 1 } as const;
    await assert.rejects(run(subject, { faults: [pause] }), /there is no node "nobody"/);
  },
};

export const harnessSpecs: Specs = { ...determinism, ...schedules, ...shrinking, ...phases };
