// The specifications must kill each mutant.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { specs } from "../specs/index.ts";
import type { Package } from "../specs/subject.ts";
import { mutants } from "./mutants.ts";

// Where to look first; what dies there need not be asked for the rest.
const nearest: [file: RegExp, part: keyof typeof specs][] = [
  [/^disk/, "disk"],
  [/^network/, "network"],
  [/clock/, "clock"],
  [/node|process|simulation/, "process"],
  [/./, "harness"],
];

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  findFault: async (source, mutant) => {
    const part = nearest.find(([pattern]) => pattern.test(mutant?.file ?? ""))?.[1];
    const isNear = ([name]: [string, unknown]) => Number(name === part);
    const inOrder = Object.entries(specs).sort((a, b) => isNear(b) - isNear(a));
    const subject = (await import(/* @vite-ignore */ path.join(source, "index.ts"))) as Package;
    for (const [, sentences] of inOrder) {
      for (const [name, check] of Object.entries(sentences)) {
        const fault = await faultOf(() => check(subject));
        if (fault !== undefined) return `${name}: ${fault}`;
      }
    }
    return undefined;
  },
});
