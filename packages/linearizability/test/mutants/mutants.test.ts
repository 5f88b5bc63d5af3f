// The suite must kill each mutant: one of the traps has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { mutants } from "./mutants.ts";
import { traps } from "./traps.ts";

// Where to look first; what dies there need not be asked for the rest.
const nearest: [file: RegExp, trap: RegExp][] = [
  // First of all the moment: with returns before their calls, other histories go round in circles.
  [/schedule/, /^a moment|^a walk|register/],
  [/check/, /^a part|^a hard part|set of elements/],
  [/configurations/, /^(?!the definition)|queue/],
  [/partition|set/, /misses an element|set with whole reads/],
  [/queue/, /^a moment|queue/],
  [/kv/, /kv/],
  [/last-visits/, /comes back|register/],
  [/./, /register/],
];

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  findFault: async (source, mutant) => {
    const near = nearest.find(([file]) => file.test(mutant?.file ?? ""))?.[1];
    const isNear = ([name]: [string, unknown]) => Number(near?.test(name));
    const inOrder = Object.entries(traps).sort((a, b) => isNear(b) - isNear(a));
    const copy = await import(/* @vite-ignore */ path.join(source, "index.ts"));
    for (const [name, trap] of inOrder) {
      const fault = await faultOf(() => trap(copy));
      if (fault !== undefined) return `${name}: ${fault}`;
    }
    return undefined;
  },
});
