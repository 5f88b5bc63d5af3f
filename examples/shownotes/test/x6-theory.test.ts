import { describe, expect, test } from "vitest";
import type { EpisodeEdit } from "../src/presence-episode.ts";
import { apart } from "../src/x6.ts";
import type { Regions } from "../src/x6-crew.ts";
import { planX6, type X6Edit, type X6Plan } from "../src/x6-plan.ts";
import { type X6Scenario, x6Scenario } from "../src/x6-scenario.ts";
import { meetMsMax, predictColumn, predictSet, tally } from "../src/x6-theory.ts";
import { type SimulatedX6Options, simulateX6 } from "./simulated-x6.ts";

const tag = (region: number, dueMs: number, name: string): X6Edit => {
  return { region, dueMs, episode: "1", edit: { do: "tag", tag: name } };
};
const untag = (region: number, dueMs: number, name: string): X6Edit => {
  return { region, dueMs, episode: "1", edit: { do: "untag", tag: name } };
};

describe("X6, worked out by hand: eu, us and ap are apart, and ap writes last", () => {
  // Before: a, b, c. eu deletes a and b, and adds x; us adds a anew, and y, and takes y back; ap
  // adds z.
  const plan: X6Plan = {
    before: ["a", "b", "c"].map((name) => tag(0, 0, name)),
    apart: [
      untag(0, 1, "a"),
      untag(0, 2, "b"),
      tag(0, 3, "x"),
      tag(1, 4, "a"),
      tag(1, 5, "y"),
      untag(1, 6, "y"),
      tag(2, 7, "z"),
    ],
  };

  test("a set holds what ought to be there: the renewed a is, the deleted b and y are not", () => {
    expect(predictSet(plan, x6Scenario)).toEqual({
      lostAdds: 0,
      undoneDeletes: 0,
      kept: [
        [
          { added: 1, there: 1 },
          { added: 0, there: 0 },
          { added: 1, there: 1 },
        ],
      ],
    });
    const there = new Map([["1", new Set(["a", "c", "x", "z"])]]);
    expect(tally(plan, there, x6Scenario)).toEqual(predictSet(plan, x6Scenario));
  });

  test("a column holds what ap knew: x is lost, and b is back", () => {
    expect(predictColumn(plan, x6Scenario)).toEqual({
      lostAdds: 1,
      undoneDeletes: 1,
      kept: [
        [
          { added: 1, there: 0 },
          { added: 0, there: 0 },
          { added: 1, there: 1 },
        ],
      ],
    });
  });

  test("where nobody writes while apart, nothing is lost either way", () => {
    const calm = { ...plan, apart: [] };
    expect(predictColumn(calm, x6Scenario)).toMatchObject({ lostAdds: 0, undoneDeletes: 0 });
  });

  test("regions meet within an attempt that fails, and a pause", () => {
    expect(meetMsMax(x6Scenario)).toBe(1_500);
  });
});

describe("the plan", () => {
  const scenarios = [1_000, 5_000, 20_000].map((ms) => apart(x6Scenario, ms));

  test.each(scenarios)(
    "of $phasesMs.apart ms has all its edits, in order, and is the same each time",
    (it) => {
      const { apart: edits } = planX6(it);
      expect(edits).toEqual(planX6(it).apart);
      const expected = (it.load.ratePerSecond * it.phasesMs.apart) / 1_000 + it.load.episodes;
      expect(edits).toHaveLength(expected);
      const due = edits.map(({ dueMs }) => dueMs);
      expect(due).toEqual(due.toSorted((a, b) => a - b));
      expect(Math.max(...due)).toBeLessThan(it.phasesMs.apart);
    },
  );

  test.each(scenarios)(
    "of $phasesMs.apart ms leaves no doubt who writes an episode's tags last",
    (it) => {
      const { apart: edits } = planX6(it);
      for (const episode of new Set(edits.map((edit) => edit.episode))) {
        const tags = edits.filter(
          ({ edit, ...of }) => of.episode === episode && /tag/.test(edit.do),
        );
        const last = tags.at(-1) as X6Edit;
        const other = tags.findLast(({ region }) => region !== last.region);
        const gapMs = last.dueMs - (other?.dueMs ?? 0);
        expect(gapMs).toBeGreaterThanOrEqual(it.phasesMs.lastWord / 2);
      }
    },
  );
});

// Short, so that many seeds can be run.
const brief = apart(x6Scenario, 1_500);
const seeded = (seed: number): X6Scenario => ({ ...brief, load: { ...brief.load, seed } });

describe("X6 in virtual time", () => {
  test("goes as predicted to the last tag, and nothing else is lost, whatever the seed", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const { off, on, common, objections } = await simulateX6(seeded(seed), { seed });
      expect(objections, `seed ${seed}`).toEqual([]);
      expect(off.measured, `seed ${seed}`).toEqual(off.predicted);
      expect(on.measured, `seed ${seed}`).toEqual(on.predicted);
      expect(common.meetMs).toBeLessThan(meetMsMax(brief) + 500);
      expect(common.slowestMs).toBeLessThan(100);
    }
  });

  test("where clocks disagree, they say who was last in a column; a set asks no clock", async () => {
    const others: number[] = [];
    for (let seed = 1; seed <= 4; seed++) {
      const skewed = { seed, wallSkewMsMax: 2_000 };
      const { off, on } = await simulateX6(seeded(seed), skewed);
      expect(on.measured).toEqual(on.predicted);
      expect(off.measured.lostAdds).toBeGreaterThan(0);
      others.push(off.measured.lostAdds - off.predicted.lostAdds);
    }
    expect(others.some((difference) => difference !== 0)).toBe(true);
  });

  test("the same seed is the same run", async () => {
    const once = await simulateX6(brief, { seed: 99 });
    expect(await simulateX6(brief, { seed: 99 })).toEqual(once);
  });

  test("a region whose power goes while apart has lost nothing that it acknowledged", async () => {
    const crash = { region: "us", atMs: 600, downMs: 200 };
    const { on, common, objections } = await simulateX6(brief, { seed: 3, crash });
    expect(on.measured).toMatchObject({ lostAdds: 0, undoneDeletes: 0 });
    expect(common).toMatchObject({ starsWrong: 0, linesWrong: 0, isAlike: true });
    // What it was asked meanwhile was not answered, and that is said.
    expect(objections.every((it) => / edits were not answered$|an edit took /.test(it))).toBe(true);
  });
});

// What X6 is for: a service that is wrong in one of the usual ways does not pass.
describe("X6 finds out", () => {
  const run = async (planted: Omit<SimulatedX6Options, "seed">) =>
    (await simulateX6(brief, { seed: 1, ...planted })).objections.join("; ");
  const spoiled = (change: (edit: EpisodeEdit) => EpisodeEdit | "drop" | "twice") => {
    let nth = 0;
    return (regions: Regions): Regions => ({
      ...regions,
      edit: async (region, id, edit, signal) => {
        // Not all of them: one in four, once the regions are apart.
        const changed = ++nth > 40 && nth % 4 === 0 ? change(edit) : edit;
        if (changed === "drop") return;
        await regions.edit(region, id, changed === "twice" ? edit : changed, signal);
        if (changed === "twice") await regions.edit(region, id, edit, signal);
      },
    });
  };

  test("edits that are acknowledged and not made", async () => {
    const found = await run({ spoil: spoiled(() => "drop") });
    expect(found).toMatch(/a set lost \d+ added tags/);
    expect(found).toMatch(/stars are wrong by \d+/);
    expect(found).toMatch(/\d+ lines of notes are not there once/);
  });

  test("edits that are made twice", async () => {
    const found = await run({ spoil: spoiled(() => "twice") });
    expect(found).toMatch(/stars are wrong by \d+; \d+ lines of notes are not there once/);
  });

  test("regions that were never apart", async () => {
    expect(await run({ parts: false })).toMatch(/the regions were not apart/);
  });

  test("a region that refuses while it is alone", async () => {
    const spoil = (regions: Regions): Regions => ({
      ...regions,
      edit: async (region, ...args) => {
        const { peers } = await regions.state(region);
        if (peers.length === 0) throw new Error("503: no majority");
        await regions.edit(region, ...args);
      },
    });
    expect(await run({ spoil })).toMatch(/\d+ of \d+ edits were not answered/);
  });
});
