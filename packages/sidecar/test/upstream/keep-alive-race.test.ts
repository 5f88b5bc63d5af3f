import { expect, test } from "vitest";
import { raceGoaway, raceKeepAlive } from "./keep-alive-race.ts";

test.each([1, 2, 3])("no idempotent request sees the race of keep-alive, seed %i", async (seed) => {
  const { failures, crossed } = await raceKeepAlive(seed, 200);
  expect(failures).toEqual([]);
  expect(crossed).toBeGreaterThan(10);
});

test("RFC 9113 §6.8: no request of any method sees a GOAWAY that crosses it", async () => {
  const { failures, crossed } = await raceGoaway(4, 200);
  expect(failures).toEqual([]);
  expect(crossed).toBeGreaterThan(10);
});
