import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeResult,
  encodeCommand,
  MAP_CHARACTERS_MAX,
  type MapCommand,
  MapMachine,
} from "../src/map-machine.ts";

function apply(machine: MapMachine, command: MapCommand, index: number) {
  return decodeResult(machine.apply(encodeCommand(command), index));
}

test("the version of a value is the index of the command that wrote it", () => {
  const machine = new MapMachine();
  expect(apply(machine, { op: "put", key: "a", value: "x" }, 7)).toEqual({
    done: true,
    version: 7,
  });
  expect(machine.get("a")).toEqual({ value: "x", version: 7 });
});

test("a condition that does not hold changes nothing, and tells the version", () => {
  const machine = new MapMachine();
  const create = { op: "put", key: "a", value: "x", ifVersion: 0 } as const;
  expect(apply(machine, create, 3).done).toBe(true);
  expect(apply(machine, create, 4)).toEqual({ done: false, why: "version", version: 3 });
  const wrong = { op: "delete", key: "a", ifVersion: 2 } as const;
  expect(apply(machine, wrong, 5)).toEqual({ done: false, why: "version", version: 3 });
  expect(apply(machine, { ...wrong, ifVersion: 3 }, 6)).toEqual({ done: true, version: 0 });
  expect(machine.size).toBe(0);
});

test("what is not there cannot be deleted", () => {
  const result = apply(new MapMachine(), { op: "delete", key: "a" }, 2);
  expect(result).toEqual({ done: false, why: "absent", version: 0 });
});

test("a full map takes nothing new until something is deleted", () => {
  const machine = new MapMachine();
  const value = "x".repeat(MAP_CHARACTERS_MAX / 2 - 128);
  for (const [at, key] of ["a", "b"].entries()) apply(machine, { op: "put", key, value }, at + 1);
  const third = { op: "put", key: "c", value } as const;
  expect(apply(machine, third, 3)).toEqual({ done: false, why: "full", version: 0 });
  expect(apply(machine, { op: "delete", key: "a" }, 4).done).toBe(true);
  expect(apply(machine, third, 5)).toEqual({ done: true, version: 5 });
});

test("a member restored from a snapshot goes on as the others do", () => {
  const key = fc.constantFrom("a", "b", "c");
  const ifVersion = fc.integer({ min: 0, max: 40 });
  const word = fc.string({ maxLength: 4, unit: "binary" }).map((text) => text.toWellFormed());
  const put = fc.record(
    { op: fc.constant("put" as const), key, value: word, ifVersion },
    {
      requiredKeys: ["op", "key", "value"],
    },
  );
  const remove = fc.record(
    { op: fc.constant("delete" as const), key, ifVersion },
    {
      requiredKeys: ["op", "key"],
    },
  );
  const commands = fc.array(fc.oneof(put, remove), { maxLength: 40 });
  fc.assert(
    fc.property(commands, fc.nat(40), (list: readonly MapCommand[], cut) => {
      const [one, other] = [new MapMachine(), new MapMachine()];
      for (const [at, command] of list.entries()) {
        if (at === cut) other.restore(one.snapshot());
        const result = apply(one, command, at + 1);
        if (at >= cut) expect(apply(other, command, at + 1)).toEqual(result);
      }
      if (cut < list.length) expect(other.snapshot()).toEqual(one.snapshot());
    }),
  );
});
