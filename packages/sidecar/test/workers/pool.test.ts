// Workers, kept alive and changed together; and their numbers as those of one.
import { test } from "vitest";
import * as readings from "../../src/observe/readings.ts";
import * as totals from "../../src/workers/totals.ts";
import * as handle from "../../src/workers/worker-handle.ts";
import * as pool from "../../src/workers/worker-pool.ts";
import { poolTraps } from "./pool-traps.ts";

for (const [name, trap] of Object.entries(poolTraps)) {
  test(name, () => trap({ pool, handle, totals, readings }));
}
