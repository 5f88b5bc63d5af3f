// Experiment X6: three regions that all people write in are cut off from each other, and go on. The
// tags of each episode are kept twice at once, in every region, on the same disks and links: as a
// column in which the last writer wins (off), and as a set in which additions win (on). So both
// have had the very same edits at the very same moments, and differ in nothing but what they are.
//
// Measured are: what became of the tags; whether stars and lines of notes are all there, and once;
// whether every region answered every edit while it was cut off; and how long it takes, once they
// reach each other again, until all of them hold the same.
import { type Clock, sleep, systemClock } from "@compendium/runtime";
import type { Experiment, ExperimentOutcome } from "./experiments.ts";
import type { LiveRegions } from "./live-presence.ts";
import type { EpisodeView } from "./presence-episode.ts";
import { presenceAt } from "./presence-http.ts";
import { type Asked, type Regions, writeAll } from "./x6-crew.ts";
import { planX6, type X6Edit, type X6Plan } from "./x6-plan.ts";
import { X6ChildRegions, type X6Source } from "./x6-regions.ts";
import { formatX6 } from "./x6-report.ts";
import { type X6Scenario, x6Scenario } from "./x6-scenario.ts";
import { predictColumn, predictSet, tally, type X6Tags } from "./x6-theory.ts";

const MEET_MS_MAX = 30_000;
const POLL_MS = 20;

/** What was measured besides the tags; it is the same off and on. */
export interface X6Common {
  /** Edits that were asked for while the regions were apart. */
  edits: number;
  /** Of these, the acknowledged ones, and the slowest. */
  answered: number;
  slowestMs: number;
  /** Additions of tags that were acknowledged, all in all. */
  adds: number;
  /** Stars that ought to be there, and by how many the regions are wrong, episode by episode. */
  stars: number;
  starsWrong: number;
  /** Lines of notes that were acknowledged, and those that are not there exactly once. */
  lines: number;
  linesWrong: number;
  /** Whether, at the end of their time apart, no region was linked to any other. */
  isApart: boolean;
  /** From healing until all digests were equal; Infinity: never. */
  meetMs: number;
  /** Of each region, at the end. */
  digests: string[];
  /** Whether all regions show all episodes alike. */
  isAlike: boolean;
}

/** One way to keep tags: what was measured, and what was expected of it. */
export interface X6Side {
  measured: X6Tags;
  predicted: X6Tags;
}

/** Both ways, and all the rest. */
export interface X6Comparison {
  off: X6Side;
  on: X6Side;
  common: X6Common;
  /** What the thresholds of the scenario have against the measured values; empty: nothing. */
  objections: string[];
}

/** X6 on processes of its own, or on those that `source` has. */
export function createX6({
  apartMs,
  source,
}: {
  apartMs?: number | undefined;
  source?: X6Source;
} = {}): Experiment {
  const scenario = apart(x6Scenario, apartMs);
  return {
    id: "x6",
    key: "6",
    title: scenario.title,
    run: (say, signal) => runX6(source ?? new X6ChildRegions(say), scenario, say, signal),
  };
}

/** The scenario, with another time apart. */
export function apart(scenario: X6Scenario, apartMs?: number): X6Scenario {
  if (apartMs === undefined) return scenario;
  return { ...scenario, phasesMs: { ...scenario.phasesMs, apart: apartMs } };
}

/**
 * Runs X6. Rejects when `signal` is aborted, or a process dies that should not. Leaves nothing
 * running.
 */
export async function runX6(
  source: X6Source,
  scenario: X6Scenario,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ExperimentOutcome & { result: X6Comparison }> {
  const losing = new AbortController();
  const ending = AbortSignal.any([losing.signal, signal]);
  say(`regions ${scenario.regions.join(", ")}: each a process with a disk of its own …`);
  const live = await source.fresh(scenario.regions, (reason) => losing.abort(reason), ending);
  using client = presenceAt(live.urls);
  try {
    const name = live.name === undefined ? {} : { name: live.name };
    const result = await measureX6(client, live, scenario, { say, signal: ending, ...name });
    return { report: formatX6(result, scenario), objections: result.objections, result };
  } catch (error) {
    ending.throwIfAborted();
    throw error;
  } finally {
    await live.stop();
  }
}

/** How a run is gone about. */
export interface X6Run {
  say(line: string): void;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** Goes into the episodes' names. */
  readonly name?: string;
}

/** Writes, parts, writes, heals, and compares. */
export async function measureX6(
  client: Regions,
  link: Pick<LiveRegions, "part" | "heal">,
  scenario: X6Scenario,
  { say, signal, clock = systemClock, name }: X6Run,
): Promise<X6Comparison> {
  const plan = planX6(scenario, name);
  const regions = [...scenario.regions.keys()];
  const states = () => Promise.all(regions.map((region) => client.state(region)));
  const meet = async (peers: number): Promise<string[]> => {
    const giveUpAt = clock.now() + MEET_MS_MAX;
    for (;;) {
      const now = await states();
      const digests = now.map(({ digest }) => digest);
      const isMet = new Set(digests).size === 1 && now.every((it) => it.peers.length >= peers);
      if (isMet || clock.now() > giveUpAt) return digests;
      await sleep(POLL_MS, { clock, signal });
    }
  };

  const before = await writeAll(client, plan.before, clock, signal);
  const atFirst = new Set(await meet(regions.length - 1));
  if (atFirst.size > 1) throw new Error("the regions do not meet to begin with");
  await link.part();
  const seconds = scenario.phasesMs.apart / 1_000;
  say(`cut off from each other for ${seconds} s, and all are written in …`);
  const written = await writeAll(client, plan.apart, clock, signal);
  const isApart = (await states()).every(({ peers }) => peers.length === 0);
  await link.heal();
  const healedMs = clock.now();
  say("they reach each other again …");
  // By way of one of them is as good.
  const digests = await meet(1);
  const isMet = new Set(digests).size === 1;
  const meetMs = isMet ? clock.now() - healedMs : Number.POSITIVE_INFINITY;

  const done = { before: acknowledged(before), apart: acknowledged(written) };
  const views = await Promise.all(regions.map((region) => readAll(client, region, plan)));
  const common = {
    ...besides(written, done, views[0] as EpisodeView[]),
    ...{ isApart, meetMs, digests, isAlike: areAlike(views) },
  };
  const tagsOf = (read: (view: EpisodeView) => readonly string[]): X6Tags =>
    tally(done, new Map(views[0]?.map((view) => [view.id, new Set(read(view))])), scenario);
  const off = tagsOf(({ column }) => column?.tags ?? []);
  const on = tagsOf(({ tags }) => tags);
  const result = {
    off: { measured: off, predicted: predictColumn(plan, scenario) },
    on: { measured: on, predicted: predictSet(plan, scenario) },
    common,
  };
  return { ...result, objections: objectionsToX6(result, scenario) };
}

function acknowledged(all: readonly Asked[]): X6Edit[] {
  const done = all.filter(({ isAnswered }) => isAnswered).map(({ asked }) => asked);
  return done.sort((a, b) => a.dueMs - b.dueMs);
}

async function readAll(client: Regions, region: number, plan: X6Plan): Promise<EpisodeView[]> {
  const episodes = [...new Set(plan.before.map(({ episode }) => episode))];
  return await Promise.all(episodes.map((id) => client.read(region, id)));
}

function areAlike(views: readonly EpisodeView[][]): boolean {
  return new Set(views.map((all) => JSON.stringify(all))).size === 1;
}

function besides(
  written: readonly Asked[],
  done: X6Plan,
  views: readonly EpisodeView[],
): Omit<X6Common, "isApart" | "meetMs" | "digests" | "isAlike"> {
  const all = [...done.before, ...done.apart];
  let [stars, starsWrong, lines, linesWrong] = [0, 0, 0, 0];
  for (const view of views) {
    const edits = all.filter(({ episode }) => episode === view.id).map(({ edit }) => edit);
    const count = (what: string) => edits.filter((edit) => edit.do === what).length;
    const own = count("star") - count("unstar");
    stars += own;
    starsWrong += Math.abs(view.stars - own);
    const found = view.notes.split("\n");
    for (const edit of edits) {
      if (edit.do !== "write") continue;
      lines++;
      if (found.filter((line) => `${line}\n` === edit.insert).length !== 1) linesWrong++;
    }
  }
  return {
    edits: written.length,
    answered: done.apart.length,
    slowestMs: Math.max(0, ...written.map(({ tookMs }) => tookMs)),
    adds: all.filter(({ edit }) => edit.do === "tag").length,
    ...{ stars, starsWrong, lines, linesWrong },
  };
}

/** What the scenario's thresholds have against a run, a sentence each. */
export function objectionsToX6(
  { off, on, common }: Omit<X6Comparison, "objections">,
  { thresholds }: X6Scenario,
): string[] {
  const objections: string[] = [];
  const unless = (isGood: boolean, objection: string) => isGood || objections.push(objection);
  const { edits, answered, slowestMs, meetMs } = common;
  const least = thresholds.off.lostShareMin * off.predicted.lostAdds;
  const lost = off.measured.lostAdds;
  unless(lost > 0 && lost >= least, `a column lost ${lost} added tags, not at least ${least}`);
  unless(on.measured.lostAdds === 0, `a set lost ${on.measured.lostAdds} added tags`);
  const { undoneDeletes } = on.measured;
  unless(undoneDeletes === 0, `a set shows ${undoneDeletes} deleted tags again`);
  unless(common.starsWrong === 0, `stars are wrong by ${common.starsWrong}`);
  unless(common.linesWrong === 0, `${common.linesWrong} lines of notes are not there once`);
  unless(common.isApart, "the regions were not apart");
  unless(edits > 0, "nothing was written");
  unless(answered === edits, `${edits - answered} of ${edits} edits were not answered`);
  const inTime = slowestMs <= thresholds.withinMs;
  unless(inTime, `an edit took ${slowestMs.toFixed(0)} ms, not at most ${thresholds.withinMs}`);
  const hasMet = meetMs <= thresholds.meetMsMax;
  unless(
    hasMet,
    `the same everywhere after ${meetMs.toFixed(0)} ms, not at most ${thresholds.meetMsMax}`,
  );
  unless(common.isAlike, "the regions do not show the same");
  return objections;
}
