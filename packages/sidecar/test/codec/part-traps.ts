// What small parts of the reference codec promise: deadlines that move, heads as they are written.
import { ManualClock } from "@compendium/runtime";
import { expect } from "vitest";
import { Fields } from "../../src/codec/fields.ts";
import type { GuardModules, GuardTrap } from "./guard-traps.ts";

function deadlineOf({ deadlines }: GuardModules) {
  const clock = new ManualClock();
  const passed: number[] = [];
  const deadline = new deadlines.Deadline(clock, () => void passed.push(clock.now()));
  return { clock, deadline, passed };
}

const deadlineTraps: readonly GuardTrap[] = [
  {
    name: "a deadline moves with each byte, and passes once",
    run: (modules) => {
      const { clock, deadline, passed } = deadlineOf(modules);
      deadline.set(100);
      clock.advance(60);
      deadline.set(100);
      clock.advance(99);
      expect(passed).toEqual([]);
      clock.advance(1_000);
      expect(passed).toEqual([160]);
      expect(clock.pendingTimers).toBe(0);
    },
  },
  {
    name: "a nearer deadline does not wait for the farther one",
    run: (modules) => {
      const { clock, deadline, passed } = deadlineOf(modules);
      deadline.set(100);
      deadline.set(10);
      clock.advance(10);
      expect(passed).toEqual([10]);
      expect(clock.pendingTimers).toBe(0);
    },
  },
  {
    name: "a deadline that was taken away does not pass, and another may be set",
    run: (modules) => {
      const { clock, deadline, passed } = deadlineOf(modules);
      deadline.set(10);
      deadline.set(Number.POSITIVE_INFINITY);
      clock.advance(1_000);
      expect(passed).toEqual([]);
      deadline.set(5);
      clock.advance(5);
      expect(passed).toEqual([1_005]);
    },
  },
  {
    name: "behind the end of its connection nothing sets a deadline again",
    run: (modules) => {
      const { clock, deadline } = deadlineOf(modules);
      deadline.set(10);
      deadline.dispose();
      expect(clock.pendingTimers).toBe(0);
      deadline.set(5);
      expect(clock.pendingTimers).toBe(0);
    },
  },
];

const messageTraps: readonly GuardTrap[] = [
  {
    name: "RFC 9110 §8.6, RFC 9112 §7.1.2: lengths and trailers as they may be sent, in a copy",
    run: ({ messages }) => {
      const written = (status: number, flat: string[], end = false, mayBeChunked = true) => {
        const fields = new Fields([...flat]);
        const place = { isEmpty: end, mayBeChunked };
        const sent = messages.sendableHead({ status, fields }, place);
        // An access log may still ask what upstream has said.
        expect(fields.flat).toEqual(flat);
        return sent.flat.join();
      };
      expect(written(200, ["a", "1", "trailer", "b"])).toBe("a,1,trailer,b");
      expect(written(200, ["trailer", "b"], false, false)).toBe("");
      expect(written(200, ["content-length", "3", "trailer", "b"])).toBe("content-length,3");
      expect(written(200, ["a", "1"], true)).toBe("a,1,content-length,0");
      expect(written(304, ["a", "1"], true)).toBe("a,1");
      expect(written(304, ["content-length", "3"], true)).toBe("content-length,3");
      expect(written(204, ["content-length", "0"], true)).toBe("");
      expect(written(101, ["content-length", "0"])).toBe("");
    },
  },
];

export const partTraps: readonly GuardTrap[] = [...deadlineTraps, ...messageTraps];
