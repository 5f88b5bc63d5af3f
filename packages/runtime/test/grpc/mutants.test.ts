// The traps must kill each mutant. A patched copy of src/ is imported beside the original, in this
// very process; one at a time, or what one of them costs could pass for a fault of another.
import path from "node:path";
import { PlantedCopies } from "@compendium/house/planted";
import * as original from "@compendium/runtime/grpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { faultOf } from "./judge.ts";
import { mutants } from "./mutants.ts";
import type { Subject } from "./world.ts";

const nothing = {
  name: "",
  file: "index.ts",
  search: "export { crc32c",
  replacement: "export { crc32c",
};
let copies: PlantedCopies;

beforeAll(() => {
  copies = new PlantedCopies(path.join(import.meta.dirname, "../.."));
});

afterAll(() => {
  copies[Symbol.dispose]();
});

const load = async (folder: string): Promise<Subject> =>
  (await import(path.join(folder, "grpc/index.ts"))) as Subject;

test("a copy without a bug survives", async () => {
  expect(await faultOf(await load(copies.plant(nothing)), original)).toBeUndefined();
});

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "killed: %s",
  async (_, mutant) => {
    const fault = await faultOf(await load(copies.plant(mutant)), original, mutant.breaks);
    expect(fault?.slice(0, mutant.breaks.length)).toBe(mutant.breaks);
  },
);
