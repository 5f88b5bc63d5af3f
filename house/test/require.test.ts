// DESIGN.md: "what needs a server that is absent is reported as skipped, with the reason and how to
// get it. COMPENDIUM_REQUIRE turns such a skip into a failure."
import { afterEach, expect, test, vi } from "vitest";
import { requireOrSkip } from "../src/require.ts";

const redis = { name: "redis", present: false, how: "apt-get install redis-server" };
const context = { skip: vi.fn() };

afterEach(() => {
  vi.unstubAllEnvs();
  context.skip.mockReset();
});

test("absent and not required: the test is skipped with the reason and how to get it", () => {
  vi.stubEnv("COMPENDIUM_REQUIRE", "docker");
  requireOrSkip(context, redis);
  expect(context.skip).toHaveBeenCalledWith("redis is absent: apt-get install redis-server");
});

test("absent and required: the test fails", () => {
  vi.stubEnv("COMPENDIUM_REQUIRE", "docker, redis");
  expect(() => requireOrSkip(context, redis)).toThrow(/redis is absent: apt-get/);
  expect(context.skip).not.toHaveBeenCalled();
});

test("present: the test goes on", () => {
  vi.stubEnv("COMPENDIUM_REQUIRE", "redis");
  requireOrSkip(context, { ...redis, present: true });
  expect(context.skip).not.toHaveBeenCalled();
});
