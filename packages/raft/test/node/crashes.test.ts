import { expect, test } from "vitest";
import { tell } from "./crash-story.ts";
import { crashAt, WAYS } from "./crashes.ts";

// A prime, so that the sample has operations of every kind. `npm run simulate:crashes` tries all.
const EVERY = 7;

test("a member that crashes at any operation of its disk loses nothing that was acknowledged, and votes once", async () => {
  const calm = await tell(3);
  expect(calm.effects.length).toBeGreaterThan(400);
  for (const [at, effect] of calm.effects.entries()) {
    const way = WAYS[at % WAYS.length];
    if (at % EVERY > 0 || way === undefined) continue;
    await crashAt(calm, effect, way);
  }
});

test("the story is the same each time it is told", async () => {
  expect(await tell(4)).toEqual(await tell(4));
});
