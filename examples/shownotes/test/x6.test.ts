import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { LiveRegions } from "../src/live-presence.ts";
import { apart, objectionsToX6, runX6, type X6Common, type X6Comparison } from "../src/x6.ts";
import { planX6 } from "../src/x6-plan.ts";
import type { X6Source } from "../src/x6-regions.ts";
import { formatX6 } from "../src/x6-report.ts";
import { type X6Scenario, x6Scenario } from "../src/x6-scenario.ts";
import { predictColumn, predictSet, type X6Tags } from "../src/x6-theory.ts";
import { type InProcessPresence, InProcessRegions } from "./in-process-presence.ts";

const plan = planX6(x6Scenario);
const [column, set] = [predictColumn(plan, x6Scenario), predictSet(plan, x6Scenario)];

const usual: X6Common = {
  ...{ edits: 154, answered: 154, slowestMs: 12.3, adds: 88 },
  ...{ stars: 44, starsWrong: 0, lines: 42, linesWrong: 0 },
  ...{ isApart: true, meetMs: 151, isAlike: true },
  digests: Array.from({ length: 3 }, () => "0123456789abcdef"),
};

interface Changed {
  off?: Partial<X6Tags>;
  on?: Partial<X6Tags>;
  common?: Partial<X6Common>;
}

const compared = ({ off, on, common }: Changed): X6Comparison => {
  const result = {
    off: { measured: { ...column, ...off }, predicted: column },
    on: { measured: { ...set, ...on }, predicted: set },
    common: { ...usual, ...common },
  };
  return { ...result, objections: objectionsToX6(result, x6Scenario) };
};

const linesOf = (comparison: X6Comparison) =>
  stripVTControlCharacters(formatX6(comparison, x6Scenario)).split("\n");

const changes: [string, Changed, string[]][] = [
  ["all is as expected", {}, []],
  [
    "a column loses nothing, either",
    { off: { lostAdds: 0 } },
    [`a column lost 0 added tags, not at least ${column.lostAdds / 2}`],
  ],
  [
    "a set loses some",
    { on: { lostAdds: 1, undoneDeletes: 2 } },
    ["a set lost 1 added tags", "a set shows 2 deleted tags again"],
  ],
  [
    "what should be the same is not",
    { common: { starsWrong: 3, linesWrong: 4, isAlike: false } },
    [
      "stars are wrong by 3",
      "4 lines of notes are not there once",
      "the regions do not show the same",
    ],
  ],
  [
    "regions do not answer, or late",
    { common: { answered: 100, slowestMs: 3_000 } },
    ["54 of 154 edits were not answered", "an edit took 3000 ms, not at most 2000"],
  ],
  [
    "nothing was cut, and nothing meets",
    { common: { isApart: false, meetMs: Number.POSITIVE_INFINITY } },
    ["the regions were not apart", "the same everywhere after Infinity ms, not at most 5000"],
  ],
  ["nothing was done", { common: { edits: 0, answered: 0 } }, ["nothing was written"]],
];

test.each(changes)("where %s, the objections are as they should be", (_what, changed, expected) => {
  const comparison = compared(changed);
  expect(comparison.objections).toEqual(expected);
  const lines = linesOf(comparison);
  for (const objection of expected) expect(lines).toContain(`  ✘ ${objection}`);
  expect(lines.some((line) => line.includes("✔"))).toBe(expected.length === 0);
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("the report shows what was measured beside what was predicted, in 80 columns", () => {
  const lines = linesOf(compared({}));
  for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
  expect(lines).toEqual([
    "",
    "X6  Regions that are cut off must go on, and lose nobody's edits",
    "  eu, us, ap are cut off from each other for 5 s; all go on, with 30 edits/s.",
    "  Off: an episode's tags are a column, and its last writer wins. On: a set, in",
    "  which additions win. The same edits, kept both ways at once.",
    "",
    "                                     off    theory        on    theory",
    "  added tags lost, of 88              34        34         0         0",
    "  deleted tags that are back           4         4         0         0",
    "",
    "  new tags of each, and there       eu    us    ap      eu    us    ap",
    "  episode 1                        0/5   6/6   0/4     5/5   6/6   4/4",
    "  episode 2                        0/5   0/4   3/3     5/5   4/4   3/3",
    "  episode 3                        0/3   3/3   0/6     3/3   3/3   6/6",
    "  episode 4                        0/3   8/8   0/3     3/3   8/8   3/3",
    "",
    "  while apart: 154 of 154 edits answered, the slowest in 12 ms (theory: all)",
    "  44 of 44 stars count, and 42 of 42 lines of notes are there, each once",
    "  together: all have the same after 0.15 s (theory: < 1.5 s); digest 01234567",
    "",
    "  ✔ as expected: all regions went on, and the set kept what the column lost",
    "",
  ]);
});

// X6 in half a second, on regions that are not cut off. What it measures means nothing.
const brief: X6Scenario = apart(x6Scenario, 500);

describe("a run", () => {
  const never = new AbortController().signal;
  const inProcess = (befell: string[], running: { count: number }): X6Source => ({
    fresh: async (names): Promise<LiveRegions> => {
      const regions = await InProcessRegions.of(...names);
      const all: InProcessPresence[] = [];
      for (const name of names) all.push(await regions.start(name));
      running.count++;
      const note = (what: string) => async () => void befell.push(what);
      return {
        urls: all.map(({ url }) => url),
        part: note("part"),
        heal: note("heal"),
        stop: async () => {
          running.count--;
          await Promise.all(all.map((each) => each[Symbol.asyncDispose]()));
          regions[Symbol.dispose]();
        },
      };
    },
  });

  test("writes, parts, writes, heals, compares, and leaves nothing running", async () => {
    const [befell, said, running] = [[] as string[], [] as string[], { count: 0 }];
    const source = inProcess(befell, running);
    const { result, report } = await runX6(source, brief, (line) => said.push(line), never);
    expect(befell).toEqual(["part", "heal"]);
    expect(result.on.measured).toMatchObject({ lostAdds: 0, undoneDeletes: 0 });
    expect(result.common).toMatchObject({ starsWrong: 0, linesWrong: 0, isAlike: true });
    expect(result.common.answered).toBe(planX6(brief).apart.length);
    // They were not apart, and that is noticed.
    expect(result.objections).toContain("the regions were not apart");
    expect(report).toContain(`X6  ${brief.title}`);
    expect(said).toHaveLength(3);
    expect(running.count).toBe(0);
  });

  test("is given up when a process dies that should not, or nobody wants it any more", async () => {
    for (const end of ["lost", "aborted"]) {
      const running = { count: 0 };
      const stopping = new AbortController();
      const losses: ((reason: Error) => void)[] = [];
      const { fresh } = inProcess([], running);
      const source: X6Source = {
        fresh: (names, lost, signal) => {
          losses.push(lost);
          return fresh(names, lost, signal);
        },
      };
      const run = runX6(source, brief, () => {}, stopping.signal);
      run.catch(() => {});
      await expect.poll(() => running.count).toBe(1);
      const reason = new Error(end);
      if (end === "lost") losses[0]?.(reason);
      else stopping.abort(reason);
      await expect(run).rejects.toBe(reason);
      expect(running.count).toBe(0);
    }
  });
});
