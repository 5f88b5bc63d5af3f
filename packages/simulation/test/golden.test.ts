// The same on every machine and every version of Node: hashes that were taken once, on x86-64 under
// Node 24, and agree under Node 22. A change of them is a change of what every seed means: whoever
// keeps seeds that once failed must look at them again.
import { checkSeed } from "@compendium/simulation";
import { expect, test } from "vitest";
import { quorumRegister } from "./quorum-register.ts";

test.each([
  [0, "053a9bc3d7637fe4"],
  [1, "a24c19b34211ed7c"],
  [2 ** 40, "093c174047852fbc"],
])("seed %d has the hash %s", async (seed, hash) => {
  expect((await checkSeed(quorumRegister(), seed)).hash).toBe(hash);
});
