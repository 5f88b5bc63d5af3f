// The traps must kill each mutant. One at a time, or what one of them costs could pass for a fault
// of another.
import path from "node:path";
import { testPlantedBugs } from "@compendium/house/planted/suite";
import * as original from "@compendium/runtime/grpc";
import { faultOf } from "./judge.ts";
import { mutants } from "./mutants.ts";
import type { Subject } from "./world.ts";

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  findFault: async (source, mutant) => {
    const copy = (await import(path.join(source, "grpc/index.ts"))) as Subject;
    const fault = await faultOf(copy, original, mutant?.breaks);
    if (mutant === undefined || fault?.startsWith(mutant.breaks)) return fault;
    throw new Error(`not found by "${mutant.breaks} …": ${fault ?? "it survived every trap"}`);
  },
});
