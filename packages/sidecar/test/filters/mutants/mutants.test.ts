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

interface Home {
  /** The modules that the traps ask for. */
  readonly modules: readonly (keyof FilterSubject)[];
  readonly traps: Readonly<Record<string, (subject: FilterSubject) => void | Promise<void>>>;
}

const authorization: Home = { modules: ["rbac", "ipRange"], traps: rbacTraps };
const rateLimit: Home = { modules: ["rateLimit"], traps: rateLimitTraps };
const compression: Home = {
  modules: ["compressor", "acceptEncoding"],
  traps: compressorTraps,
};
const crossOrigin: Home = { modules: ["cors"], traps: corsTraps };

/** Whose business a file is. */
const homes: Readonly<Record<string, Home>> = {
  "accept-encoding.ts": compression,
  "adaptive-concurrency.ts": { modules: ["adaptive"], traps: adaptiveTraps },
  "buffer.ts": { modules: ["buffer"], traps: bufferTraps },
  "compressor.ts": compression,
  "cors.ts": crossOrigin,
  "fault.ts": { modules: ["fault"], traps: faultTraps },
  "filter-chain.ts": { modules: ["filterChain"], traps: chainTraps },
  "fraction.ts": rateLimit,
  "gzip-stage.ts": compression,
  "ip-range.ts": authorization,
  "local-rate-limit.ts": rateLimit,
  "rbac.ts": authorization,
  "vary.ts": crossOrigin,
};

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source, mutant) => {
    const asked = mutant ? [homes[path.basename(mutant.file)]!] : Object.values(homes);
    for (const { modules, traps } of new Set(asked)) {
      const subject = await loadSubject(source, modules);
      const fault = await faultOf(async () => {
        for (const trap of Object.values(traps)) await trap(subject);
      });
      if (fault !== undefined) return fault;
    }
    return undefined;
  },
});
