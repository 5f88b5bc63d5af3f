import { expect, test } from "vitest";
import { subject } from "./lab.ts";

const { PresenceTable, limitsFrom } = subject;
const limits = limitsFrom({ presencesMax: 3, presenceBytesMax: 20 });
const name = (digit: number) => String(digit).repeat(16);
const table = (digit: number) => new PresenceTable(name(digit), limits, 3_000);

function tell(
  from: ReturnType<typeof table>,
  to: ReturnType<typeof table>,
  link: object,
  nowMs = 0,
) {
  to.receive(from.news({}, new Map()), link, nowMs);
}

test("the higher counter wins, whatever the order; of one counter, what is gone", () => {
  const [here, there, link] = [table(1), table(2), {}];
  here.set("one", 0);
  const first = here.news({}, new Map());
  here.set("two", 0);
  const second = here.news({}, new Map());
  there.receive(second, link, 0);
  there.receive(first, link, 0);
  expect(there.list()).toEqual([{ session: name(1), state: "two" }]);
  there.receive([{ session: name(1), counter: 2, state: undefined }], link, 0);
  there.receive(second, link, 0);
  expect(there.list()).toEqual([]);
});

test("an entry dies by the clock of whoever looks at it, and is renewed by its owner", () => {
  const [here, there, link] = [table(1), table(2), {}];
  here.set("x", 0);
  tell(here, there, link, 1_000_000);
  expect(there.tick(1_002_999)).toBe(1_003_000);
  expect(there.size).toBe(1);
  here.tick(1_000);
  tell(here, there, link, 1_002_999);
  there.tick(1_005_998);
  expect(there.size).toBe(1);
  there.tick(1_005_999);
  expect(there.size).toBe(0);
});

test("who came over a link leaves with it, and others are told; hearsay takes nobody away", () => {
  const [owner, hub, third] = [table(1), table(2), table(3)];
  const [ownerLink, hubLink, other] = [{}, {}, {}];
  owner.set("x", 0);
  tell(owner, hub, ownerLink);
  tell(hub, third, hubLink);
  expect(third.size).toBe(1);
  hub.forget(ownerLink, 0);
  expect(hub.size).toBe(0);
  third.receive([{ session: name(1), counter: 1, state: undefined }], other, 0);
  expect(third.size).toBe(1);
  tell(hub, third, hubLink);
  expect(third.size).toBe(0);
});

test("one who is called gone, and is not, says so", () => {
  const here = table(1);
  here.set("x", 0);
  here.receive([{ session: name(1), counter: 1, state: undefined }], {}, 0);
  expect(here.news({}, new Map())).toEqual([{ session: name(1), counter: 2, state: '"x"' }]);
});

test("states and tables are bounded", () => {
  const here = table(1);
  expect(() => here.set("x".repeat(19), 0)).toThrow(RangeError);
  for (let other = 2; other < 9; other++) {
    here.receive([{ session: name(other), counter: 1, state: "1" }], {}, 0);
  }
  expect(here.size).toBe(3);
});

test("each connection is sent an entry once, and never what came from it", () => {
  const [here, link, other] = [table(1), {}, {}];
  here.receive([{ session: name(2), counter: 1, state: "1" }], link, 0);
  const sent = new Map();
  expect(here.news(link, new Map())).toEqual([]);
  expect(here.news(other, sent).length).toBe(1);
  expect(here.news(other, sent).length).toBe(0);
});
