import { expect, test } from "vitest";
import { checkUpstreamSeed } from "./model-check.ts";

test("whatever DNS, hosts and requests do, breakers count what is open, and nothing is left", async () => {
  for (let seed = 0; seed < 150; seed++) {
    await expect(checkUpstreamSeed(seed), `seed ${seed}`).resolves.toBeUndefined();
  }
});
