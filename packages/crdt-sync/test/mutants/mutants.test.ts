// Every mutant must be killed: by seeded regions, by a writer that is crashed at each effect, or by
// one of the traps.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { simulate } from "@compendium/simulation";
import type { Subject as Lab } from "../core/lab.ts";
import { regions, type Subject } from "../sim/regions.ts";
import { crashAt, failAt } from "../sim/writer.ts";
import { mutants } from "./mutants.ts";
import { traps } from "./traps.ts";

type Check = (source: string) => Promise<void>;

const load = async (source: string, ...files: string[]) =>
  Object.assign({}, ...(await Promise.all(files.map((file) => import(path.join(source, file))))));

const loadPackage = (source: string): Promise<Subject> =>
  load(source, "index.ts", "store/index.ts");

const LAB = "core/connection core/document core/presence replicated wire/limits".split(" ");

const checks: Readonly<Record<"trap" | "writer" | "regions", Check>> = {
  trap: async (source) => {
    const subject: Lab = await load(source, ...LAB.map((name) => `${name}.ts`));
    for (const trap of Object.values(traps)) trap(subject);
  },
  writer: async (source) => {
    const subject = await loadPackage(source);
    for (let atUs = 2_000; atUs < 120_000; atUs += 1_000) {
      objectTo((await failAt(atUs, subject)).failure);
    }
    for (let effect = 0; effect < 110; effect++) {
      for (const moment of ["before", "during", "after"] as const) {
        for (const how of ["power", "kill"] as const) {
          objectTo((await crashAt(effect, moment, how, subject)).failure);
        }
      }
    }
  },
  regions: async (source) => {
    const subject = await loadPackage(source);
    objectTo((await simulate(regions(subject), { seeds: 2, worlds: 1 })).failure);
  },
};

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  heading: ({ by }) => `killed by ${by}`,
  findFault: async (source, mutant) => {
    const needed = mutant === undefined ? Object.values(checks) : [checks[mutant.by]];
    for (const check of needed) {
      const fault = await faultOf(() => check(source));
      if (fault !== undefined) return fault;
    }
    return undefined;
  },
});

function objectTo(failure: unknown): void {
  if (failure !== undefined) throw new Error("a seed fails", { cause: failure });
}
