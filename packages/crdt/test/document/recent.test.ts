import { expect, test } from "vitest";
import { RECENT_MAX, Recent } from "../../src/document/recent.ts";

test("the latest are remembered, and the oldest are forgotten one by one", () => {
  const recent = new Recent<number, string>();
  const last = RECENT_MAX + 10;
  for (let key = 1; key <= last; key++) recent.set(key, `of ${key}`);
  expect([recent.get(10), recent.get(11), recent.get(last)]).toEqual([
    undefined,
    "of 11",
    `of ${last}`,
  ]);
  recent.set(11, "another");
  expect(recent.get(11)).toBe("another");
  recent.set(last + 1, "one more");
  expect([recent.get(11), recent.get(12)]).toEqual([undefined, "of 12"]);
});
