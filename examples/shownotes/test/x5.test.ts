import { stripVTControlCharacters } from "node:util";
import { check, type History } from "@compendium/linearizability";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { objectionsToX5, runX5, type X5Comparison, type X5Measurement } from "../src/x5.ts";
import { LiveCheck } from "../src/x5-check.ts";
import { type Acknowledged, gapMs, lostOf } from "../src/x5-crew.ts";
import type { X5Source } from "../src/x5-groups.ts";
import { type Asked, type Got, registryModel } from "../src/x5-model.ts";
import { formatX5 } from "../src/x5-report.ts";
import { type X5Scenario, x5Scenario } from "../src/x5-scenario.ts";
import { predictAlone, predictGroup } from "../src/x5-theory.ts";
import { startRegistry } from "./in-process-registry.ts";

const at = (atMs: number, revision = atMs, changed = true): Acknowledged => {
  return { atMs, revision, changed };
};

describe("the gap", () => {
  test("is the longest time between two answers, from the beginning or to the end as well", () => {
    const answers = [90, 100, 130, 180, 190, 400].map((ms) => at(ms));
    expect(gapMs(answers, 100, 200)).toBe(50);
    expect(gapMs(answers, 110, 200)).toBe(50);
    expect(gapMs(answers, 185, 300)).toBe(110);
    expect(gapMs(answers, 200, 300)).toBe(100);
    expect(gapMs([], 100, 300)).toBe(200);
  });

  test("is never shorter than any interval without an answer", () => {
    const times = fc.array(fc.nat(1_000), { maxLength: 30 });
    fc.assert(
      fc.property(times, fc.nat(1_000), fc.nat(1_000), (unsorted, a, b) => {
        const sorted = unsorted.toSorted((x, y) => x - y);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const edges = [from, ...sorted.filter((ms) => ms >= from && ms <= to), to];
        const longest = Math.max(...edges.slice(1).map((ms, n) => ms - (edges[n] as number)));
        expect(
          gapMs(
            sorted.map((ms) => at(ms)),
            from,
            to,
          ),
        ).toBe(longest);
      }),
    );
  });
});

describe("lost is an acknowledged change", () => {
  test("whose revision is above the last, or stands for two", () => {
    expect(lostOf([at(1), at(2), at(3)], 3)).toBe(0);
    expect(lostOf([at(1), at(2), at(3)], 9)).toBe(0);
    expect(lostOf([at(1), at(2), at(3)], 1)).toBe(2);
    expect(lostOf([at(1), at(2, 2), at(3, 2)], 3)).toBe(1);
  });

  test("and not what changed nothing", () => {
    expect(lostOf([at(1), at(2, 9, false), at(3, 1, false)], 1)).toBe(0);
  });
});

const ok = (more: Partial<Got> = {}) => ({ ok: true, changed: true, revision: 1, ...more });
const no = (more: Partial<Got> = {}) => ({ ok: false, changed: false, revision: 1, ...more });
const pay: Asked = { do: "pay", workspace: "w", charge: "c", seats: 1 };
const take = (person: string): Asked => ({ do: "take", workspace: "w", person });
const seats: Asked = { of: "seats", workspace: "w" };
const lease: Asked = { of: "lease", document: "d" };
const acquire = (holder: string): Asked => ({ do: "acquire", document: "d", holder, ttlMs: 9 });
const release = (epoch: number): Asked => ({ do: "release", document: "d", epoch });

// One after the other; without an answer, it was never answered.
function verdictOf(...steps: [Asked, Got?][]): string {
  const history: History<Asked, Got> = steps.map(([input, output], n) => {
    const call = { input, call: 2 * n, process: 0 };
    return output === undefined ? call : { ...call, output, return: 2 * n + 1 };
  });
  return check(history, registryModel()).verdict;
}

describe("what clients see of seats is legal", () => {
  test("as long as no more are taken than were paid for", () => {
    const paid = [pay, ok({ paid: 1, taken: 0 })] as [Asked, Got];
    expect(verdictOf(paid, [take("a"), ok({ paid: 1, taken: 1 })])).toBe("ok");
    const two: [Asked, Got][] = [
      [take("a"), ok({ paid: 1, taken: 1 })],
      [take("b"), ok({ paid: 1, taken: 2 })],
    ];
    expect(verdictOf(paid, ...two)).toBe("illegal");
    expect(verdictOf(paid, [take("b"), no({ paid: 1, taken: 1 })])).toBe("illegal");
  });

  test("unless somebody reads what is not there any more, or not yet", () => {
    const taken: [Asked, Got?][] = [
      [pay, ok({ paid: 1, taken: 0 })],
      [take("a"), ok({ paid: 1, taken: 1 })],
    ];
    expect(verdictOf(...taken, [seats, { paid: 1, people: ["a"], revision: 2 }])).toBe("ok");
    expect(verdictOf(...taken, [seats, { paid: 1, people: [], revision: 2 }])).toBe("illegal");
  });

  test("if a lost answer may have been carried out, or not", () => {
    const paid: [Asked, Got] = [pay, ok({ paid: 1, taken: 0 })];
    for (const people of [[], ["a"]]) {
      expect(verdictOf(paid, [take("a")], [seats, { paid: 1, people, revision: 2 }])).toBe("ok");
    }
    expect(verdictOf(paid, [take("a")], [seats, { paid: 1, people: ["b"], revision: 2 }])).toBe(
      "illegal",
    );
  });
});

describe("what clients see of a lease is legal", () => {
  test("with one holder at a time, and epochs that grow", () => {
    const first: [Asked, Got] = [acquire("a"), ok({ epoch: 3, holder: "a" })];
    expect(verdictOf(first, [acquire("b"), no({ holder: "a", epoch: 3 })])).toBe("ok");
    expect(verdictOf(first, [acquire("b"), ok({ holder: "b", epoch: 4 })])).toBe("illegal");
    const over: [Asked, Got] = [release(3), ok()];
    expect(verdictOf(first, over, [acquire("b"), ok({ holder: "b", epoch: 5 })])).toBe("ok");
    expect(verdictOf(first, over, [acquire("b"), ok({ holder: "b", epoch: 3 })])).toBe("illegal");
  });

  test("where a stale epoch is refused, and the right one is not", () => {
    const first: [Asked, Got] = [acquire("a"), ok({ epoch: 3, holder: "a" })];
    expect(
      verdictOf(first, [release(2), no()], [lease, { holder: "a", epoch: 3, revision: 3 }]),
    ).toBe("ok");
    expect(verdictOf(first, [release(2), ok()])).toBe("illegal");
    expect(verdictOf(first, [release(3), no()])).toBe("illegal");
  });

  test("where nobody saw the epoch, with any that is higher than the last", () => {
    const seen = (epoch: number): [Asked, Got] => [lease, { holder: "a", epoch, revision: 9 }];
    expect(verdictOf([acquire("a")], seen(4))).toBe("ok");
    expect(verdictOf([acquire("a")], [lease, { revision: 9 }])).toBe("ok");
    const before: [Asked, Got?][] = [
      [acquire("b"), ok({ epoch: 5, holder: "b" })],
      [release(5), ok()],
      [acquire("a")],
    ];
    expect(verdictOf(...before, seen(6))).toBe("ok");
    expect(verdictOf(...before, seen(5))).toBe("illegal");
  });
});

test("a history that was illegal once stays so, whatever comes after", async () => {
  const bad: History<Asked, Got> = [
    { input: take("a"), output: ok({ paid: 0, taken: 1 }), call: 0, return: 1 },
  ];
  let history = bad;
  const live = new LiveCheck(() => history);
  const { signal } = new AbortController();
  expect(await live.now(signal)).toMatchObject({ verdict: "illegal", operations: 1 });
  history = [];
  expect(await live.now(signal)).toEqual({ verdict: "illegal", operations: 0, checks: 2 });
});

const alone: X5Measurement = {
  killedGapMs: 3_310,
  pausedGapMs: 2_040,
  lost: 0,
  acknowledged: 250,
  operations: 1_372,
  checks: 17,
  verdict: "ok",
};
const group: X5Measurement = {
  ...alone,
  killedGapMs: 423.2,
  pausedGapMs: 391,
  operations: 829,
  checks: 18,
};

const changes: [string, Partial<X5Measurement>, Partial<X5Measurement>, string[]][] = [
  ["all is as expected", {}, {}, []],
  ["a change is gone", {}, { lost: 2 }, ["the group: 2 acknowledged changes are gone"]],
  [
    "clients saw what one copy cannot show",
    { verdict: "unknown" },
    { verdict: "illegal" },
    [
      "one member: what 1372 operations saw was not decided",
      "the group: what 829 operations saw cannot come from one copy",
    ],
  ],
  [
    "a group is down for as long as one member",
    {},
    { killedGapMs: 3_000, pausedGapMs: Number.NaN },
    [
      "the group, killed: 3000 ms without an answer, not at most 0.6 of 3310 ms",
      "the group, paused: NaN ms without an answer, not at most 0.6 of 2040 ms",
    ],
  ],
  ["nothing was done", { acknowledged: 0 }, {}, ["one member: nothing was acknowledged"]],
];

const linesOf = (off: X5Measurement, on: X5Measurement) => {
  const objections = objectionsToX5(off, on, x5Scenario);
  const comparison: X5Comparison = {
    off: { measured: off, predicted: predictAlone(x5Scenario) },
    on: { measured: on, predicted: predictGroup(x5Scenario) },
    objections,
  };
  return stripVTControlCharacters(formatX5(comparison, x5Scenario)).split("\n");
};

test.each(changes)("where %s, the objections are as they should be", (_what, off, on, expected) => {
  const measured = [
    { ...alone, ...off },
    { ...group, ...on },
  ] as const;
  expect(objectionsToX5(...measured, x5Scenario)).toEqual(expected);
  const lines = linesOf(...measured);
  for (const objection of expected) expect(lines).toContain(`  ✘ ${objection}`);
  expect(lines.some((line) => line.includes("✔"))).toBe(expected.length === 0);
});

test("the report shows what was measured beside what was predicted, in 80 columns", () => {
  const lines = linesOf(alone, group);
  expect(lines).toEqual([
    "",
    "X5  The death of a leader must be a short gap",
    "  12 clients, up to 120 calls/s: seats, leases, reads. The leader is killed",
    "  (-9) and restarted after 2.5 s, then stopped (SIGSTOP) for 2 s.",
    "  Off: a registry of one member; on: of 3, each with a disk of its own.",
    "",
    "                                     off    theory        on    theory",
    "  killed: no answer for           3.31 s  ≥ 2.95 s    0.42 s    0.39 s",
    "  paused: no answer for           2.04 s    2.00 s    0.39 s    0.39 s",
    "  acknowledged changes lost            0         0         0         0",
    "  history linearizable               yes       yes       yes       yes",
    "",
    "  detection: 0.27 s to 0.60 s of silence (election timeout 300 ms)",
    "  1,372 and 829 operations, checked 17 and 18 times, while it ran and at the end",
    "",
    "  ✔ as expected: a short gap, and nothing that was acknowledged is gone",
    "",
  ]);
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
});

// X5 in a second, on registries in which nobody dies. What it measures means nothing.
const brief: X5Scenario = {
  ...x5Scenario,
  phasesMs: { warmUp: 50, killed: 100, paused: 50, recovery: 50 },
  restartAfterMs: 20,
  checkEveryMs: 20,
};

describe("a run", () => {
  const never = new AbortController().signal;
  const inProcess = (befell: string[], running: { count: number }): X5Source => ({
    fresh: async (members) => {
      const registry = await startRegistry();
      running.count++;
      const note = (what: string) => () => void befell.push(`${what} of ${members}`);
      return {
        urls: [registry.url],
        kill: async () => note("kill")(),
        restart: async () => note("restart")(),
        pause: note("pause"),
        resume: note("resume"),
        stop: async () => {
          running.count--;
          await registry[Symbol.asyncDispose]();
        },
      };
    },
  });

  test("kills, pauses, checks meanwhile, and leaves nothing running", async () => {
    const [befell, said, running] = [[] as string[], [] as string[], { count: 0 }];
    const source = inProcess(befell, running);
    const { result, report } = await runX5(source, brief, (line) => said.push(line), never);
    const acts = ["kill", "restart", "pause", "resume"];
    for (const members of [1, 3]) {
      const own = befell.filter((line) => line.endsWith(` ${members}`));
      expect(own).toEqual(acts.map((act) => `${act} of ${members}`));
    }
    for (const { measured } of [result.off, result.on]) {
      expect(measured).toMatchObject({ lost: 0, verdict: "ok" });
      expect(measured.checks).toBeGreaterThan(2);
      expect(measured.acknowledged).toBeGreaterThan(3);
    }
    expect(report).toContain("X5  The death of a leader");
    expect(said).toHaveLength(5);
    expect(said.slice(1).sort()[0]).toMatch(
      /^ {2}one member, killed: no answer for \d\.\d\d s; \d+ operations so far: linearizable$/,
    );
    expect(running.count).toBe(0);
  });

  test("is given up when a process dies that should not, or nobody wants it any more", async () => {
    for (const end of ["lost", "aborted"]) {
      const running = { count: 0 };
      const stopping = new AbortController();
      const losses: ((reason: Error) => void)[] = [];
      const { fresh } = inProcess([], running);
      const source: X5Source = {
        fresh: (members, lost) => {
          losses.push(lost);
          return fresh(members, lost);
        },
      };
      const run = runX5(source, brief, () => {}, stopping.signal);
      run.catch(() => {});
      await expect.poll(() => running.count).toBe(2);
      const reason = new Error(end);
      if (end === "lost") losses[1]?.(reason);
      else stopping.abort(reason);
      await expect(run).rejects.toBe(reason);
      expect(running.count).toBe(0);
    }
  });
});
