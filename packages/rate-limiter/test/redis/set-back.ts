// The server's TIME is a wall clock, and may be set back. Then nobody may be locked out until it
// has caught up: what is stored is clamped, and the clamped state is stored, even by a request that
// is denied. (Clamped anew at each look, "a full window from now" never comes nearer.)
import assert from "node:assert/strict";
import type { Redis } from "ioredis";
import * as subject from "../../src/index.ts";
import type { Script } from "../../src/lua/script.ts";
import { RedisRateLimiter } from "../../src/redis-rate-limiter.ts";
import { ALGORITHMS, makeRule } from "../support/rules.ts";
import { Lane, laneStore } from "./lane.ts";

const WINDOW_MS = 1000;
const HOUR_US = 3_600_000_000;
const BEGIN_US = 1_700_000_000_000_000;

let made = 0;

/** Throws where a key that was full of requests is locked out by a step of the clock. */
export async function checkSetBack(connection: Redis, script: Script): Promise<void> {
  const lane = new Lane(connection);
  await using store = laneStore(lane, script);
  // A request for one and one for more take different paths through the script.
  for (const algorithm of ALGORITHMS) {
    const spec = { limit: 3, windowMs: WINDOW_MS, reserveMsMax: 0, burst: 3, parts: 4 };
    const rule = makeRule(subject, { ...spec, algorithm, name: algorithm });
    for (const cost of [1, 3]) {
      const name = `set-back-${made++}`;
      const limiter = new RedisRateLimiter(rule, { store, name, onStoreFailure: "closed" });
      lane.nowUs = BEGIN_US;
      for (let i = 0; i < 4; i++) await limiter.take("ann");
      let waitedMs = 0;
      for (; waitedMs <= 2 * WINDOW_MS; waitedMs += 100) {
        lane.nowUs = BEGIN_US - HOUR_US + waitedMs * 1000;
        if ((await limiter.take("ann", cost)).allowed) break;
      }
      assert.ok(waitedMs <= 2 * WINDOW_MS, `${algorithm}: locked out after two windows`);
    }
  }
}
