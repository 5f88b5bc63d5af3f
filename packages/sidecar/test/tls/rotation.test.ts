// A hundred of them: `npm run simulate sidecar -- --only rotations`.
import { expect, test } from "vitest";
import { rotateUnderLoad } from "./rotation.ts";

const ROTATIONS = 15;

test("no request fails while certificates are replaced on both sides, and the new ones are met", async () => {
  const report = await rotateUnderLoad(ROTATIONS, 4);
  expect(report.failures).toEqual([]);
  expect(report.rotations).toBe(ROTATIONS);
  expect(report.certificates).toBeGreaterThan(ROTATIONS / 2);
});
