import { Inbox } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";

test("says when it is full, and once when it is at most half full again", async () => {
  let rooms = 0;
  const inbox = new Inbox({ bytesMax: 400, onRoom: () => rooms++ });
  const message = new Uint8Array(36);
  expect([1, 2, 3].map(() => inbox.push(message))).toEqual([true, true, true]);
  expect(inbox.push(message)).toBe(false);
  expect(inbox.push(message)).toBe(false);
  const iterator = inbox[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.next();
  expect(rooms).toBe(0);
  await iterator.next();
  expect(rooms).toBe(1);
  await iterator.next();
  expect(rooms).toBe(1);
});

test("empty messages are not free", () => {
  const inbox = new Inbox({ bytesMax: 1_000, onRoom: () => {} });
  let pushed = 1;
  while (inbox.push(new Uint8Array(0))) pushed++;
  expect(pushed).toBeLessThan(20);
});

test("delivers what waits before the end, and a fault once", async () => {
  const inbox = new Inbox({ bytesMax: 1_000, onRoom: () => {} });
  const fault = new Error("cut");
  inbox.push(Uint8Array.of(1));
  inbox.end(fault);
  inbox.push(Uint8Array.of(2));
  const received: number[] = [];
  const iterate = async () => {
    for await (const message of inbox) received.push(...message);
  };
  await expect(iterate()).rejects.toBe(fault);
  await iterate();
  expect(received).toEqual([1]);
});

test("an end reaches who waits already, with its fault", async () => {
  const [ended, broken] = [0, 1].map(() => new Inbox({ bytesMax: 1, onRoom: () => {} }));
  const waiting = ended?.[Symbol.asyncIterator]().next();
  ended?.end();
  expect(await waiting).toEqual({ done: true, value: undefined });
  const cut = broken?.[Symbol.asyncIterator]().next();
  broken?.end(new Error("cut"));
  await expect(cut).rejects.toThrow("cut");
});

test("a second next() before the first has settled is misuse", async () => {
  const iterator = new Inbox({ bytesMax: 1, onRoom: () => {} })[Symbol.asyncIterator]();
  iterator.next();
  await expect(iterator.next()).rejects.toThrow(TypeError);
  expect(() => new Inbox({ bytesMax: 0, onRoom: () => {} })).toThrow("bytesMax must be at least 1");
});

test("in any order of pushes and takes, messages come in order and none is lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async (steps) => {
      const inbox = new Inbox({ bytesMax: 200, onRoom: () => {} });
      const iterator = inbox[Symbol.asyncIterator]();
      const taken: Promise<number>[] = [];
      let pushed = 0;
      let waits = 0;
      for (const push of steps) {
        if (push) inbox.push(Uint8Array.of(pushed++));
        else if (waits <= pushed) {
          waits++;
          taken.push(iterator.next().then(({ value }) => value?.[0] ?? -1));
        }
        if (waits > pushed) inbox.push(Uint8Array.of(pushed++));
      }
      expect(await Promise.all(taken)).toEqual(taken.map((_, i) => i));
    }),
  );
});
