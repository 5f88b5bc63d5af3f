import { expect, test } from "vitest";
import { healthCheck } from "../health/config.ts";
import { runChurn } from "./churn.ts";

test.each(["h1", "h2"] as const)(
  "no request to %s fails while endpoints change 100 times under load",
  async (upstream) => {
    const result = await runChurn({ seed: 1, changes: 100, upstream });
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ servers: 6, isSame: true });
  },
);

test("nor with health checks and no panic: nobody leaves before a successor was found well", async () => {
  const cluster = { healthChecks: [healthCheck()], panicThreshold: 0 };
  const result = await runChurn({ seed: 2, changes: 100, upstream: "h1", cluster });
  expect(result.failures).toEqual([]);
  expect(result).toMatchObject({ servers: 6, isSame: true });
});
