// The suite must kill each mutant: one of the traps has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { chainTraps } from "../chain-traps.ts";
import { compressorTraps } from "../compressor-traps.ts";
import { corsTraps } from "../cors-traps.ts";
import { adaptiveTraps, bufferTraps, faultTraps, rateLimitTraps } from "../limit-traps.ts";
import { rbacTraps } from "../rbac-traps.ts";
import { type FilterSubject, loadSubject } from "../subject.ts";
import { mutants } from "./mutants.ts";

type Traps = Readonly<Record<string, (subject: FilterSubject) => void | Promise<void>>>;

// Where a file's bugs show first; the others come after.
const homes: Readonly<Record<string, Traps>> = {
  "filters/accept-encoding.ts": compressorTraps,
  "filters/adaptive-concurrency.ts": adaptiveTraps,
  "filters/buffer.ts": bufferTraps,
  "filters/compressor.ts": compressorTraps,
  "filters/cors.ts": corsTraps,
  "filters/fault.ts": faultTraps,
  "filters/filter-chain.ts": chainTraps,
  "filters/fraction.ts": rateLimitTraps,
  "filters/gzip-stage.ts": compressorTraps,
  "filters/ip-range.ts": rbacTraps,
  "filters/local-rate-limit.ts": rateLimitTraps,
  "filters/rbac.ts": rbacTraps,
  "filters/vary.ts": corsTraps,
};

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source, mutant) => {
    const subject = await loadSubject(source);
    const home = mutant && homes[mutant.file];
    const suites = new Set([...(home ? [home] : []), ...Object.values(homes)]);
    return await faultOf(async () => {
      for (const traps of suites) for (const trap of Object.values(traps)) await trap(subject);
    });
  },
});
