import { expect, test } from "vitest";
import { createLimits } from "../src/limits.ts";
import { x3Scenario } from "../src/x3-scenario.ts";

const { burst, limit } = x3Scenario.workspaceLimit;

test("without Redis each process has the whole limit", async () => {
  await using limits = await createLimits(undefined);
  const decision = await limits.workspace.take("acme");
  expect(decision).toMatchObject({ outcome: "allowed", remaining: burst - 1 });
  expect(decision.rule).toMatchObject({ limit, capacity: burst });
});

test("where Redis is gone each of three edges has a third, and somebody is told", async () => {
  const said: string[] = [];
  // Nobody listens there.
  await using limits = await createLimits(new URL("redis://127.0.0.1:1"), (line) =>
    said.push(line),
  );
  for (const limiter of [limits.workspace, limits.signIn, limits.invite]) {
    const [whole] = limiter.rules;
    const { outcome, rule } = await limiter.take("acme");
    expect(outcome).toBe("store-local-allowed");
    expect(3 * rule.capacity).toBeLessThanOrEqual(whole?.capacity ?? 0);
    expect(3 * rule.limit).toBeLessThanOrEqual(whole?.limit ?? 0);
  }
  expect(said[0]).toMatch(/^limits: .+; each edge keeps its part of them$/);
});
