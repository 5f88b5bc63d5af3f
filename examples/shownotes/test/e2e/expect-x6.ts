// What X6 has to show, wherever its regions run.
import { expect } from "vitest";
import type { X6Comparison } from "../../src/x6.ts";

/** Twenty seconds apart: additions are lost in a column, and nothing else is anywhere. */
export function expectX6({ off, on, common, objections }: X6Comparison): void {
  expect(objections).toEqual([]);
  expect(off.measured.lostAdds).toBeGreaterThan(0);
  expect(on.measured).toMatchObject({ lostAdds: 0, undoneDeletes: 0 });
  expect(common.edits).toBeGreaterThan(500);
  expect(common).toMatchObject({ starsWrong: 0, linesWrong: 0, isApart: true, isAlike: true });
  expect(common.answered).toBe(common.edits);
  expect(common.digests).toHaveLength(3);
  expect(new Set(common.digests).size).toBe(1);
}
