// Where limiters in Redis live, for the contract (../contract.ts): any server, any cluster.
import type { Cluster, Redis } from "ioredis";
import { RedisRateLimiter } from "../../src/redis-rate-limiter.ts";
import { RedisStore } from "../../src/stores/redis.ts";
import type { Rig } from "../contract.ts";
import { onTime } from "./timed-client.ts";
import { makeTimedScript } from "./timed-script.ts";

let limiters = 0;

/** A rig in the server that the client is connected to. */
export function makeRedisRig(client: Redis | Cluster): Rig {
  const time = { nowUs: 1_700_000_000_000_000 };
  const script = makeTimedScript();
  const store = new RedisStore(onTime(client, time), { script, timeoutMs: 10_000 });
  return {
    limiter: (rules) => {
      const name = `contract-${process.pid}-${limiters++}`;
      // All in one slot: keys of different limiters are decided together.
      return new RedisRateLimiter(rules, {
        store,
        name,
        partition: () => "contract",
        onStoreFailure: "closed",
      });
    },
    takeTogether: (parts) =>
      RedisRateLimiter.takeTogether(
        parts.map((part) => ({ ...part, limiter: part.limiter as RedisRateLimiter })),
      ),
    advance: (ms) => {
      time.nowUs += ms * 1000;
    },
    close: () => store[Symbol.asyncDispose](),
  };
}
