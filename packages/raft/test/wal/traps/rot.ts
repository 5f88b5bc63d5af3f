import assert from "node:assert/strict";
import { RottenLog, type Verdict } from "../rot.ts";
import { bytes, entries, entry } from "../story.ts";
import type { Trap } from "./trap.ts";

const SECTOR = 512;
const REFUSED = "WAL_CORRUPT";
const PATTERNS = [0x01, 0x80, 0xff, 0x10];

// Where the records of a segment end.
function endOf(content: Uint8Array): number {
  return content.findLastIndex((byte) => byte !== 0) + 1;
}

function lastPath(log: RottenLog): string {
  return log.paths.at(-1) as string;
}

/** Every byte of a log of 1,000 records: seconds each. */
export const exhaustiveRot: readonly Trap[] = [
  {
    name: "a changed byte anywhere in 1,000 records deletes nothing: the log is refused",
    async run(subject) {
      const log = await RottenLog.write(subject);
      assert.equal(log.paths.length, 2);
      for (const path of log.paths) {
        const content = log.bytesOf(path);
        const end = endOf(content);
        for (let at = 0; at < content.length; at++) {
          const verdict = await log.flip(path, at, PATTERNS[(at * 7 + (at >> 5)) % 4] as number);
          // Behind the last record of the last segment there may be litter of a torn write.
          if (at < end || path !== lastPath(log)) assert.equal(verdict, REFUSED, `${path} ${at}`);
          else assert.ok(verdict === 998 || verdict === REFUSED, `${path} ${at}: ${verdict}`);
        }
      }
    },
  },
  {
    name: "a segment that is cut off at any byte is refused: its size was durable before its records",
    async run(subject) {
      const log = await RottenLog.write(subject);
      for (const path of log.paths) {
        const content = log.bytesOf(path);
        for (let size = 0; size < content.length; size++) {
          assert.equal(await log.judge(path, content.slice(0, size)), REFUSED);
        }
      }
    },
  },
  {
    name: "with zeros from some byte on, what is found is an exact prefix, or nothing",
    async run(subject) {
      const log = await RottenLog.write(subject);
      for (const path of log.paths) {
        const content = log.bytesOf(path);
        for (let from = 0; from < content.length; from += 7) {
          const verdict = await log.blank(path, from, content.length);
          if (path !== lastPath(log) && from < endOf(content)) assert.equal(verdict, REFUSED);
        }
      }
    },
  },
];

export const rot: readonly Trap[] = [
  {
    name: "no changed byte makes an acknowledged record of zeros look torn",
    async run(subject) {
      for (const [offset, isBlank] of [
        [0, true],
        [400, true],
        [470, true],
        [0, false],
      ] as const) {
        // Zeros alone, or with one other byte in every sector.
        const data = new Uint8Array(2 * SECTOR + 101);
        if (!isBlank) for (let at = 100; at < data.length; at += SECTOR) data[at] = 7;
        const zeros = entry(2, 1, data);
        const log = await RottenLog.write(subject, [[entry(1, 1, bytes(1, offset))], [zeros]]);
        const path = lastPath(log);
        const end = endOf(log.bytesOf(path));
        for (let at = 0; at < end; at++) {
          const before = log.bytesOf(path)[at] as number;
          // To zero, if it is not: the change that could blank a sector. Of the zeros, some.
          if (before === 0 && at % 5 > 0) continue;
          for (const by of before === 0 ? [0x80] : [before, 0x80]) {
            assert.equal(await log.flip(path, at, by), REFUSED, `offset ${offset}, byte ${at}`);
          }
        }
      }
    },
  },
  {
    name: "a changed length does not make the last record reach into the zeros behind it",
    async run(subject) {
      const log = await RottenLog.write(subject, [entries(1, 3, 1), [entry(4, 1, bytes(4, 100))]]);
      const path = lastPath(log);
      const content = log.bytesOf(path);
      const header = endOf(content) - (endOf(content) % 16) - 16 * 7;
      for (let at = header - 64; at < endOf(content); at++) {
        for (let by = 1; by < 256; by *= 2) assert.equal(await log.flip(path, at, by), REFUSED);
      }
    },
  },
  {
    name: "a record of the last batch with a missing sector is torn, and cut off with what follows",
    async run(subject) {
      const whole = [entry(1, 1), entry(2, 1)];
      const batch = [entry(3, 1, bytes(3, 1_400)), entry(4, 1, new Uint8Array(900)), entry(5, 1)];
      const log = await RottenLog.write(subject, [whole, batch]);
      const path = lastPath(log);
      const verdicts = new Set<Verdict>();
      for (let at = SECTOR; at < endOf(log.bytesOf(path)); at += SECTOR) {
        verdicts.add(await log.blank(path, at, at + SECTOR));
      }
      assert.deepEqual([...verdicts].sort(), [2, 3]);
    },
  },
  {
    name: "a missing sector in front of a later batch was durable: the log is refused",
    async run(subject) {
      const log = await RottenLog.write(subject, [
        [entry(1, 1, bytes(1, 1_200))],
        [entry(2, 1, bytes(2, 1_200))],
        [entry(3, 1, bytes(3, 300))],
      ]);
      const path = lastPath(log);
      const firstOfLast = endOf(log.bytesOf(path)) - 320;
      for (let at = 0; at + SECTOR <= firstOfLast - (firstOfLast % SECTOR); at += SECTOR) {
        assert.equal(await log.blank(path, at, at + SECTOR), REFUSED, `sector at ${at}`);
      }
    },
  },
  {
    name: "a record of another history does not fit, though it is whole: the checks are chained",
    async run(subject) {
      const history = async (seed: number) => {
        const list = entries(1, 9, 1).map((each) =>
          entry(each.index, 1, bytes(seed + each.index, 16)),
        );
        return await RottenLog.write(
          subject,
          list.map((each) => [each]),
        );
      };
      const log = await history(0);
      const other = await history(100);
      const path = lastPath(log);
      const end = endOf(log.bytesOf(path)) - (endOf(log.bytesOf(path)) % 16) + 16;
      const size = 48;
      for (let record = 1; record <= 9; record++) {
        const at = end - size * record;
        const broken = log.bytesOf(path).slice();
        broken.set(other.bytesOf(path).subarray(at, at + size), at);
        assert.equal(await log.judge(path, broken), REFUSED, `record ${10 - record}`);
      }
    },
  },
  {
    name: "a whole segment of another history does not fit between its neighbours",
    async run(subject) {
      const history = async (seed: number) => {
        const list = entries(1, 60, 1).map(({ index }) =>
          entry(index, 1, bytes(seed + index, 150)),
        );
        return await RottenLog.write(
          subject,
          list.map((each) => [each]),
          4_096,
        );
      };
      const [log, other] = [await history(0), await history(100)];
      assert.equal(log.paths.length, 3);
      for (const path of log.paths) {
        assert.equal(await log.judge(path, other.bytesOf(path).slice()), REFUSED, path);
      }
    },
  },
  {
    name: "a short log that is cut off at any byte is refused",
    async run(subject) {
      const log = await RottenLog.write(subject, [entries(1, 3, 1)], 4_096);
      const path = lastPath(log);
      for (let size = 0; size < 4_096; size += 5) {
        assert.equal(await log.judge(path, log.bytesOf(path).slice(0, size)), REFUSED);
      }
    },
  },
];
