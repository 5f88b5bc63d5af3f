// A sample of what `npm run simulate crdt-sync` runs, and a crash at every effect of a writer.
import { checkSeed, simulate } from "@compendium/simulation";
import { expect, test } from "vitest";
import { regions } from "./regions.ts";
import { crashAt, failAt, writer } from "./writer.ts";

test("three regions converge, whatever befalls them, and lose nothing", async () => {
  const { failure } = await simulate(regions(), { seeds: 30 });
  expect(failure?.failure?.error).toBe(undefined);
});

test("a seed replays exactly: nothing asks the real world", async () => {
  expect((await checkSeed(regions(), 1, { twice: true })).failure).toBe(undefined);
});

test("a writer whose sync fails, and whose power does later, forgets nothing either", async () => {
  for (let atUs = 2_000; atUs < 120_000; atUs += 2_000) {
    expect((await failAt(atUs)).failure?.error, String(atUs)).toBe(undefined);
  }
});

test("a writer that is crashed at any effect forgets nothing that was sent", async () => {
  const { failure } = await checkSeed(writer(), 0, { calm: true });
  expect(failure?.error).toBe(undefined);
  let runs = 0;
  for (let effect = 0; effect < 110; effect++) {
    for (const moment of ["before", "during", "after"] as const) {
      for (const how of ["power", "kill"] as const) {
        const { failure } = await crashAt(effect, moment, how);
        expect(failure?.error, `${effect} ${moment} ${how}`).toBe(undefined);
        runs++;
      }
    }
  }
  expect(runs).toBe(660);
});
