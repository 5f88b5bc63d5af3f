import { afterEach, beforeEach, expect, test } from "vitest";
import type { Experiment, ExperimentOutcome } from "../src/experiments.ts";
import { BusyError, Lab } from "../src/lab.ts";
import type { Comparison } from "../src/x1.ts";
import { brief, InProcessStacks } from "./in-process.ts";

// An experiment beside X1 that ends when, and as, the test says.
let side: PromiseWithResolvers<ExperimentOutcome>;
const sideExperiment: Experiment = {
  id: "x9",
  key: "9",
  title: "Nothing much",
  run: (say, signal) => {
    say("  \u001b[1mhalf of it\u001b[22m is done");
    side = Promise.withResolvers();
    signal.addEventListener("abort", () => side.reject(signal.reason));
    return side.promise;
  },
};

let stacks: InProcessStacks;
let said: string[];
let lab: Lab;

beforeEach(() => {
  stacks = new InProcessStacks();
  said = [];
  lab = new Lab(stacks, brief, (line) => said.push(line), [sideExperiment]);
});

afterEach(() => lab.stop());

test("before anything runs, the state says so, and an action says what to do", async () => {
  expect(await lab.state()).toEqual({
    busy: false,
    pattern: null,
    fault: null,
    recent: null,
    breaker: null,
    inFlight: 0,
    queued: 0,
    progress: null,
    workspaceLimit: null,
    report: null,
    experiments: [
      { id: "x1", key: "1", title: brief.title },
      { id: "x9", key: "9", title: "Nothing much" },
    ],
  });
  await expect(lab.setFault(true)).rejects.toThrow("no services are running: reset starts fresh");
  await expect(lab.setPattern()).rejects.toThrow(BusyError);
  expect((await lab.state()).busy).toBe(false);
});

test("reset makes fresh processes live, and stops those before them", async () => {
  await lab.reset();
  const before = lab.edgeUrl;
  await lab.reset();
  expect(lab.edgeUrl).not.toEqual(before);
  expect(stacks.running).toBe(1);
  expect(await lab.state()).toMatchObject({ pattern: true, fault: false });
});

test("the pattern and the fault are switched over, or to where they are told", async () => {
  await lab.reset();
  await lab.setPattern();
  expect(await lab.state()).toMatchObject({ pattern: false, breaker: { state: "disabled" } });
  await lab.setPattern(false);
  expect(await lab.state()).toMatchObject({ pattern: false });
  await lab.setPattern();
  await lab.setFault();
  expect(await lab.state()).toMatchObject({ pattern: true, fault: true });
  await lab.setFault(true);
  expect(await lab.state()).toMatchObject({ fault: true });
  await lab.setFault();
  expect(await lab.state()).toMatchObject({ fault: false });
  expect(said.slice(1)).toEqual([
    "breaker and bulkhead are off",
    "breaker and bulkhead are off",
    "breaker and bulkhead are on",
    "a preview takes 0.4 s from now on",
    "a preview takes 0.4 s from now on",
    "previews are quick again",
  ]);
});

test("a service that forgot its switch is believed, not the lab's memory", async () => {
  await lab.reset();
  await lab.setFault(true);
  // As a restarted preview service: quick again, whatever the lab did.
  await stacks.made[0]?.stack.breakPreview(false);
  expect(await lab.state()).toMatchObject({ fault: false });
  await lab.setFault();
  expect(await lab.state()).toMatchObject({ fault: true });
});

test("one action at a time: the second is told to come back", async () => {
  const first = lab.reset();
  await expect(lab.reset()).rejects.toThrow(BusyError);
  await expect(lab.runExperiment()).rejects.toThrow("busy: an experiment or another action");
  expect((await lab.state()).busy).toBe(true);
  await first;
  expect((await lab.state()).busy).toBe(false);
});

test("the live load is measured while nothing is broken", async () => {
  await lab.reset();
  await expect.poll(async () => (await lab.state()).recent, { timeout: 4_000 }).not.toBeNull();
  const { recent } = await lab.state();
  expect(recent?.withinShare).toBeGreaterThan(0);
  await lab.reset();
  expect((await lab.state()).recent).toBeNull();
});

test("an experiment leaves its protected stack live, and its report", async () => {
  await lab.reset();
  const { result } = await lab.run("x1");
  const comparison = result as Comparison;
  expect(comparison.off.measured.previewCalls).toBeLessThanOrEqual(brief.edge.inFlightMax);
  expect(comparison.on.predicted.transitions[0]?.to).toBe("open");
  const { report, pattern, fault } = await lab.state();
  expect(report).toContain("X1  Slow previews");
  expect(report).not.toContain("\u001b");
  expect([pattern, fault]).toEqual([true, false]);
  expect(lab.edgeUrl).toEqual(stacks.made[2]?.stack.edgeUrl);
  expect(stacks.running).toBe(1);
});

test("an experiment beside X1 leaves the live stack alone, which rests meanwhile", async () => {
  await lab.reset();
  const { edgeUrl } = lab;
  await expect.poll(async () => (await lab.state()).recent, { timeout: 4_000 }).not.toBeNull();
  const outcome = { report: "\u001b[1mit went well\u001b[22m", objections: [], result: {} };
  const running = lab.run("x9");
  expect(await lab.state()).toMatchObject({
    busy: true,
    recent: null,
    progress: "half of it is done",
  });
  await expect(lab.run("x1")).rejects.toThrow(BusyError);
  side.resolve(outcome);
  expect(await running).toBe(outcome);
  expect(await lab.state()).toMatchObject({
    busy: false,
    progress: null,
    report: "it went well",
  });
  expect(lab.edgeUrl).toBe(edgeUrl);
  await expect.poll(async () => (await lab.state()).recent, { timeout: 4_000 }).not.toBeNull();
});

test("an experiment beside X1 that fails is given up, and the live stack goes on", async () => {
  await lab.reset();
  const running = lab.run("x9");
  side.reject(new Error("one of its processes died"));
  await expect(running).rejects.toThrow("X9 was given up: one of its processes died");
  expect(stacks.running).toBe(1);
  expect((await lab.state()).busy).toBe(false);
});

test("stopped during an experiment beside X1, it is told to end", async () => {
  const running = lab.run("x9");
  await Promise.all([expect(running).rejects.toThrow("the demo was stopped"), lab.stop()]);
});

test("an id that is none is refused", async () => {
  await expect(lab.run("x8")).rejects.toThrow('id must be one of x1, x9, got "x8"');
});

test("where the runs are both unprotected, the comparison objects", async () => {
  const { fresh } = stacks;
  stacks.fresh = () => fresh.call(stacks, false);
  const { objections } = await lab.runExperiment();
  expect(objections).toContain("with protection the breaker never opened");
});

test("a process that dies ends the experiment, and fresh ones are live for the next", async () => {
  const experiment = lab.runExperiment();
  await expect.poll(() => stacks.made.length).toBe(2);
  stacks.made[1]?.lose(new Error("one of its processes died"));
  await expect(experiment).rejects.toThrow(
    "X1 was given up: one of its processes died; fresh processes are live",
  );
  expect(stacks.running).toBe(1);
  expect(await lab.state()).toMatchObject({ busy: false, pattern: true });
  await lab.runExperiment();
  expect(stacks.running).toBe(1);
});

test("where no process can be started, that is said, and reset is the way out", async () => {
  const { fresh } = stacks;
  stacks.fresh = () => Promise.reject(new Error("no memory"));
  await expect(lab.runExperiment()).rejects.toThrow(
    "X1 was given up: no memory; reset starts fresh processes",
  );
  await expect(lab.setFault()).rejects.toThrow("no services are running");
  stacks.fresh = fresh;
  await lab.reset();
  expect(stacks.running).toBe(1);
});

test("stopped during an experiment, nothing is left running", async () => {
  const experiment = lab.runExperiment();
  await expect.poll(() => stacks.running).toBe(2);
  await Promise.all([expect(experiment).rejects.toThrow("the demo was stopped"), lab.stop()]);
  expect(stacks.running).toBe(0);
  await expect(lab.reset()).rejects.toThrow("the demo was stopped");
  expect(lab.edgeUrl).toBeUndefined();
});

test("stopped while fresh processes are being started, nothing is left running", async () => {
  const reset = lab.reset();
  await Promise.all([lab.stop(), reset]);
  expect(stacks.running).toBe(0);
});
