// Every specification, for the tests and for the mutants.
import { clockSpecs } from "./clock.specs.ts";
import { diskSpecs } from "./disk.specs.ts";
import { harnessSpecs } from "./harness.specs.ts";
import { networkSpecs } from "./network.specs.ts";
import { processSpecs } from "./process.specs.ts";
import type { Specs } from "./subject.ts";

export const specs: Readonly<Record<string, Specs>> = {
  clock: clockSpecs,
  network: networkSpecs,
  disk: diskSpecs,
  process: processSpecs,
  harness: harnessSpecs,
};
