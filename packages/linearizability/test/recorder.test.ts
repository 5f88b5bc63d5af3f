import {
  check,
  checkInTurns,
  type History,
  kvModel,
  Recorder,
  type RegisterInput,
  type RegisterOutput,
  registerModel,
} from "@compendium/linearizability";
import { describe, expect, test } from "vitest";
import { hardAndEasy } from "./mutants/traps.ts";

describe("Recorder", () => {
  test("the order of its calls is the history; a failed call leaves it, a lost one stays open", () => {
    const recorder = new Recorder<RegisterInput, RegisterOutput>();
    const write = recorder.call({ f: "write", value: 1 }, { process: "a" });
    const lost = recorder.call({ f: "write", value: 2 }, { process: "b" });
    const refused = recorder.call({ f: "write", value: 3 });
    expect(recorder.open).toBe(3);
    write.ok(undefined);
    lost.unknown();
    refused.fail();
    expect(recorder.open).toBe(0);
    recorder.call({ f: "read" }).ok(2);
    expect(recorder.history()).toEqual([
      { input: { f: "write", value: 1 }, output: undefined, call: 0, return: 3, process: "a" },
      { input: { f: "write", value: 2 }, call: 1, process: "b" },
      { input: { f: "read" }, output: 2, call: 4, return: 5, process: undefined },
    ]);
    expect(check(recorder.history(), registerModel()).verdict).toBe("ok");
  });

  test("a history that was taken does not change while recording goes on", () => {
    const recorder = new Recorder<RegisterInput, RegisterOutput>();
    const read = recorder.call({ f: "read" });
    const taken = recorder.history();
    read.ok(9);
    expect(check(taken, registerModel()).verdict).toBe("ok");
    expect(check(recorder.history(), registerModel()).verdict).toBe("illegal");
  });

  test("a call ends once", () => {
    const call = new Recorder<RegisterInput, RegisterOutput>().call({ f: "read" });
    call.unknown();
    expect(() => call.ok(1)).toThrow("the call has ended with unknown, not ok");
  });

  test("at its limit it refuses instead of forgetting", () => {
    const recorder = new Recorder<RegisterInput, RegisterOutput>({ operationsMax: 1 });
    recorder.call({ f: "read" });
    expect(() => recorder.call({ f: "read" })).toThrow(RangeError);
    expect(() => new Recorder({ operationsMax: 0 })).toThrow("operationsMax must be an integer");
  });
});

describe("check", () => {
  test("refuses times that cannot be, and limits out of range, by name and value", () => {
    const model = registerModel();
    const at = (call: number, returned?: number): History<RegisterInput, RegisterOutput> => [
      { input: { f: "read" }, output: null, call, return: returned },
    ];
    expect(() => check(at(Number.NaN), model)).toThrow("history[0].call must be a finite number");
    expect(() => check(at(2, 1), model)).toThrow("history[0].return must be a finite number, at");
    expect(() => check(at(1, 1), model, { stepsMax: 0 })).toThrow("stepsMax must be an integer of");
    expect(() => check([], model, { memoryBytesMax: 9 })).toThrow("memoryBytesMax must be");
    expect(check([], model)).toEqual({ verdict: "ok", parts: [], steps: 0, configurations: 0 });
  });

  test("a hard part does not starve an easy one that is illegal", () => {
    const { verdict, steps, parts } = check(hardAndEasy(), kvModel());
    expect(verdict).toBe("illegal");
    expect(steps).toBeLessThan(20_000);
    expect(parts.map((part) => part.verdict)).toEqual(["unknown", "illegal"]);
  });

  test("a part whose memory is exhausted is given up, and the others go on", () => {
    const { verdict, parts } = check(hardAndEasy().slice(0, -1), kvModel(), {
      memoryBytesMax: 1024 * 1024,
      stepsMax: 2_000_000,
    });
    expect(verdict).toBe("unknown");
    expect(parts.map((part) => part.exhausted)).toEqual(["memory", undefined]);
    expect(parts.map((part) => part.verdict)).toEqual(["unknown", "ok"]);
    expect(parts[0]?.orders[0]?.length).toBeGreaterThan(0);
  });

  test("in turns, an abort ends it with the reason, and the loop goes on meanwhile", async () => {
    const controller = new AbortController();
    const checking = checkInTurns(hardAndEasy().slice(0, -2), kvModel(), {
      signal: controller.signal,
      stepsPerTurn: 100,
    });
    setImmediate(() => controller.abort(new Error("enough")));
    await expect(checking).rejects.toThrow("enough");
  });
});
