// The contract (../contract.ts), kept by the limiter in Redis. Other servers, and a cluster with
// replicas, keep it in ../integration.
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, beforeEach } from "vitest";
import { describeLimiter } from "../contract.ts";
import { makeRedisRig } from "./contract-rig.ts";
import { redisServer, type Server, startServer } from "./server.ts";

let server: Server | undefined;

beforeEach((context) => requireOrSkip(context, redisServer));

afterAll(() => server?.[Symbol.asyncDispose]());

describeLimiter("RedisRateLimiter", async () => {
  server = await startServer();
  return makeRedisRig(server.client());
});
