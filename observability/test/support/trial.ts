// Real policies under a load in virtual time, scraped every minute, and the alerts that promtool
// finds in what was scraped. Series written by hand show what a rule does with numbers; these show
// that the policies make such numbers.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CallOptions, type Policy, pipelineOn } from "@compendium/resilience";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { Registry } from "prom-client";
import { ruleFiles } from "./rules.ts";

/** What the policies of a trial are made of. */
export interface World {
  readonly clock: ManualClock;
  readonly random: SeededRandom;
  readonly registry: Registry;
}

/** A load on a dependency. */
export interface Trial {
  readonly minutes: number;
  /** From one call to the next, in ms. */
  readonly everyMs: number;
  /** How long the dependency takes, in ms. */
  readonly workMs: number;
  /** Whether it fails; `draw` is a number from 0 to 99. */
  fails(atMs: number, draw: number): boolean;
  /** The policies, outermost first; registers what is to be scraped. */
  make(world: World): readonly Policy<unknown>[];
  /** What a call says of itself. */
  call?(index: number): CallOptions;
}

/** Runs the trial; returns each series as promtool takes it: a value a minute. */
export async function scraped(trial: Trial): Promise<Map<string, string[]>> {
  const clock = new ManualClock();
  const registry = new Registry();
  const policies = trial.make({ clock, random: new SeededRandom(1), registry });
  const calls = pipelineOn(clock, ...policies);
  const draws = new SeededRandom(2);
  const series = new Map<string, string[]>();
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const fails = trial.fails(clock.now(), draws.below(100));
      const settle = () => (fails ? reject(new Error("failed")) : resolve());
      clock.setTimer(clock.now() + trial.workMs, settle);
    });
  let index = 0;
  for (let minute = 0; minute <= trial.minutes; minute++) {
    await scrape(registry, series);
    for (let ms = 0; ms < 60_000; ms += trial.everyMs) {
      const options = trial.call?.(index++) ?? { idempotent: true };
      calls.call(work, options).catch(() => {});
      await clock.advanceAsync(trial.everyMs);
    }
  }
  return series;
}

async function scrape(registry: Registry, series: Map<string, string[]>): Promise<void> {
  for (const line of (await registry.metrics()).split("\n")) {
    const [, name, labels, value] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const key = `${name}{${labels},job="edge",instance="a"}`;
    const values = series.get(key) ?? [];
    // promtool's word for a sample that is not there.
    values.push(Number.isFinite(Number(value)) ? `${value}` : "_");
    series.set(key, values);
  }
}

/** Throws with promtool's comparison unless exactly these alerts have fired by the end. */
export function assertFired(series: Map<string, string[]>, alerts: readonly string[]): void {
  const minutes = Math.max(...[...series.values()].map(({ length }) => length)) - 1;
  const fired = {
    expr: 'group by (alertname) (max_over_time(ALERTS{alertstate="firing"}[1h]))',
    eval_time: `${minutes}m`,
    exp_samples: alerts.map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
  };
  const input = [...series].map(([key, values]) => ({ series: key, values: values.join(" ") }));
  const tests = [{ interval: "1m", input_series: input, promql_expr_test: [fired] }];
  const folder = mkdtempSync(path.join(tmpdir(), "compendium-trial-"));
  const file = path.join(folder, "trial.yml");
  try {
    // JSON is YAML.
    const text = { rule_files: ruleFiles(), evaluation_interval: "1m", tests };
    writeFileSync(file, JSON.stringify(text));
    execFileSync("promtool", ["test", "rules", file], { timeout: 30_000, stdio: "pipe" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
