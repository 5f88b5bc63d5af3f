// Experiment X5: the member that leads the registry is killed with SIGKILL, and later stopped in
// its tracks for a while, under the load of a crew that changes seats and leases and looks at them.
// Once with a registry of a single member, once with a group of three; both at the same moments.
//
// Three things are measured: the gap, the time without an answer to a command; how many
// acknowledged changes are gone at the end; and whether what the clients saw could have come from a
// single copy that never failed (linearizability), which is asked again and again meanwhile.
import type { Verdict } from "@compendium/linearizability";
import { sleep, systemClock } from "@compendium/runtime";
import type { Experiment, ExperimentOutcome } from "./experiments.ts";
import { registryAt, statusesAt } from "./registry-http.ts";
import { LiveCheck } from "./x5-check.ts";
import { Crew, gapMs, lostOf } from "./x5-crew.ts";
import { X5ChildGroups, type X5Group, type X5Source } from "./x5-groups.ts";
import { formatX5 } from "./x5-report.ts";
import { type X5Scenario, x5Scenario } from "./x5-scenario.ts";
import { predictAlone, predictGroup, type X5Prediction } from "./x5-theory.ts";

const LEADER_MS_MAX = 10_000;
const RECOVERY_MS_MAX = 15_000;
const POLL_MS = 20;

/** One run, measured in the terms in which it was predicted. */
export interface X5Measurement extends X5Prediction {
  /** Commands that were answered. */
  acknowledged: number;
  /** Commands and reads, as the last check saw them. */
  operations: number;
  /** How often the history was checked, the last time at the end. */
  checks: number;
  /** What came of it. */
  verdict: Verdict;
}

/** Both runs, and what was expected of them. */
export interface X5Comparison {
  off: { measured: X5Measurement; predicted: X5Prediction };
  on: { measured: X5Measurement; predicted: X5Prediction };
  /** What the thresholds of the scenario have against the measured values; empty: nothing. */
  objections: string[];
}

/** X5 on processes of its own, or on those that `source` has. */
export function createX5(source?: X5Source): Experiment {
  return {
    id: "x5",
    key: "5",
    title: x5Scenario.title,
    run: (say, signal) => runX5(source ?? new X5ChildGroups(say), x5Scenario, say, signal),
  };
}

/**
 * Runs X5. The load is a hundredth of what a member can do, so that both sides can share a machine.
 * Rejects when `signal` is aborted or a process dies that should not. Leaves nothing running.
 */
export async function runX5(
  source: X5Source,
  scenario: X5Scenario,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ExperimentOutcome & { result: X5Comparison }> {
  const losing = new AbortController();
  const ending = AbortSignal.any([losing.signal, signal]);
  // Where one side fails, the other ends as well.
  const side = (members: number) => {
    const run = runSide(source, members, { scenario, say, signal: ending, losing });
    run.catch((error: Error) => losing.abort(error));
    return run;
  };
  say("a registry of one, and a registry of three; the leader of each is killed, later paused …");
  const [off, on] = await Promise.allSettled([side(1), side(scenario.members)]);
  signal.throwIfAborted();
  losing.signal.throwIfAborted();
  const [alone, group] = [off, on].map((it) => (it as { value: X5Measurement }).value);
  if (alone === undefined || group === undefined) throw new Error("a side has no result");
  const objections = objectionsToX5(alone, group, scenario);
  const result: X5Comparison = {
    off: { measured: alone, predicted: predictAlone(scenario) },
    on: { measured: group, predicted: predictGroup(scenario) },
    objections,
  };
  return { report: formatX5(result, scenario), objections, result };
}

interface Side {
  scenario: X5Scenario;
  say: (line: string) => void;
  signal: AbortSignal;
  losing: AbortController;
}

async function runSide(source: X5Source, members: number, side: Side): Promise<X5Measurement> {
  const { signal, losing } = side;
  signal.throwIfAborted();
  const group = await source.fresh(members, (reason) => losing.abort(reason));
  try {
    return await measure(group, side);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await group.stop();
  }
}

async function measure(group: X5Group, side: Side): Promise<X5Measurement> {
  const { scenario, say, signal } = side;
  const { phasesMs, checkEveryMs } = scenario;
  const name = group.urls.length === 1 ? "one member" : "the group";
  using client = registryAt(group.urls);
  const crew = new Crew({ client, clock: systemClock, scenario, name: "x5" });
  const check = new LiveCheck(() => crew.history);
  const done = new AbortController();
  const working = crew.work(signal);
  const checking = check.run(checkEveryMs, systemClock, AbortSignal.any([signal, done.signal]));
  const phase = async (what: string, ms: number, begin: () => Promise<void>) => {
    const fromMs = performance.now();
    await begin();
    // On a busy machine a process may take long to start: what is measured is then not cut off.
    await answeredAfter(crew, performance.now(), signal);
    await sleep(Math.max(0, fromMs + ms - performance.now()), { signal });
    const gap = gapMs(crew.acknowledged, fromMs, performance.now());
    const { operations, verdict } = check.checked;
    const seen = `${operations} operations so far: ${verdict === "ok" ? "linearizable" : verdict}`;
    say(`  ${name}, ${what}: no answer for ${(gap / 1_000).toFixed(2)} s; ${seen}`);
    return gap;
  };
  const faults = async (): Promise<[number, number]> => {
    await leaderOf(group, signal);
    await sleep(phasesMs.warmUp, { signal });
    const killed = await phase("killed", phasesMs.killed, () => killLeader(group, side));
    const paused = await phase("paused", phasesMs.paused + phasesMs.recovery, () =>
      pauseLeader(group, side),
    );
    return [killed, paused];
  };
  // A crew that cannot work, or a check that cannot be made, ends it too.
  const [killedGapMs, pausedGapMs] = await firstOf(faults(), working, checking);
  crew.rest();
  await working;
  done.abort();
  await checking;
  const { checks, operations, verdict } = await check.now(signal);
  const { revision } = await client.read({ of: "seats", workspace: "none" }, { signal });
  const lost = lostOf(crew.acknowledged, revision);
  const acknowledged = crew.acknowledged.length;
  return { killedGapMs, pausedGapMs, lost, acknowledged, operations, checks, verdict };
}

// The others may end well before `wanted` does, but not badly.
function firstOf<T>(wanted: Promise<T>, ...others: Promise<unknown>[]): Promise<T> {
  return new Promise((resolve, reject) => {
    wanted.then(resolve, reject);
    for (const other of others) other.catch(reject);
  });
}

async function killLeader(group: X5Group, { scenario, signal }: Side): Promise<void> {
  const leader = await leaderOf(group, signal);
  await group.kill(leader);
  await sleep(scenario.restartAfterMs, { signal });
  await group.restart(leader);
}

async function pauseLeader(group: X5Group, { scenario, signal }: Side): Promise<void> {
  const leader = await leaderOf(group, signal);
  group.pause(leader);
  try {
    await sleep(scenario.phasesMs.paused, { signal });
  } finally {
    group.resume(leader);
  }
}

/** Waits until a member says that it leads. */
async function leaderOf({ urls }: X5Group, signal: AbortSignal): Promise<number> {
  const giveUpAt = performance.now() + LEADER_MS_MAX;
  for (;;) {
    const statuses = await statusesAt(urls);
    // Somebody who was away may still believe in a term that is over.
    const latest = statuses.reduce((a, b) => ((b?.term ?? 0) > (a?.term ?? 0) ? b : a), undefined);
    if (latest !== undefined && latest.leader !== 0) return latest.leader;
    signal.throwIfAborted();
    if (performance.now() > giveUpAt) throw new Error("no member of the registry leads");
    await sleep(POLL_MS, { signal });
  }
}

async function answeredAfter(crew: Crew, afterMs: number, signal: AbortSignal): Promise<void> {
  while ((crew.acknowledged.at(-1)?.atMs ?? 0) <= afterMs) {
    if (performance.now() > afterMs + RECOVERY_MS_MAX) {
      throw new Error("the registry does not answer any more");
    }
    await sleep(POLL_MS, { signal });
  }
}

/** What the scenario's thresholds have against two runs, a sentence each. */
export function objectionsToX5(
  off: X5Measurement,
  on: X5Measurement,
  { thresholds }: X5Scenario,
): string[] {
  const objections: string[] = [];
  for (const [name, run] of [
    ["one member", off],
    ["the group", on],
  ] as const) {
    if (run.verdict !== "ok") {
      const what = run.verdict === "illegal" ? "cannot come from one copy" : "was not decided";
      objections.push(`${name}: what ${run.operations} operations saw ${what}`);
    }
    if (run.lost > 0) objections.push(`${name}: ${run.lost} acknowledged changes are gone`);
    if (!(run.acknowledged > 0)) objections.push(`${name}: nothing was acknowledged`);
  }
  const most = thresholds.gapShareMax;
  for (const [what, gap, without] of [
    ["killed", on.killedGapMs, off.killedGapMs],
    ["paused", on.pausedGapMs, off.pausedGapMs],
  ] as const) {
    if (gap <= most * without) continue;
    const gaps = `${gap.toFixed(0)} ms without an answer, not at most ${most} of`;
    objections.push(`the group, ${what}: ${gaps} ${without.toFixed(0)} ms`);
  }
  return objections;
}
