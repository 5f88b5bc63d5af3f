// The configuration of one worker among several.
import { test } from "vitest";
import * as module from "../../src/workers/divide.ts";
import { divideTraps } from "./divide-traps.ts";

for (const [name, trap] of Object.entries(divideTraps)) test(name, () => trap(module));
