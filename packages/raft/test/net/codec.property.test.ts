import { type ConfState, type Entry, type Message, message, RaftError } from "@compendium/raft";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeMessage,
  decodeMessages,
  ENTRIES_MAX,
  encodeMessage,
  encodeMessages,
  MESSAGES_MAX,
} from "../../src/net/codec.ts";

const number = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 300 }),
  fc.maxSafeNat(),
  fc.constant(Number.MAX_SAFE_INTEGER),
);
const id = number;
const bytes = fc.uint8Array({ maxLength: 200 });
const kind = fc.constantFrom("normal" as const, "conf-change" as const);

const base = fc.record({
  to: id,
  from: id,
  term: number,
  logTerm: number,
  index: number,
  commit: number,
  commitTerm: number,
  reject: fc.boolean(),
  rejectHint: number,
  transfer: fc.boolean(),
  readRound: number,
  context: fc.option(bytes, { nil: undefined }),
});

const confState: fc.Arbitrary<ConfState> = fc.record({
  voters: fc.array(id, { maxLength: 5 }),
  votersOutgoing: fc.array(id, { maxLength: 5 }),
  learners: fc.array(id, { maxLength: 5 }),
  learnersNext: fc.array(id, { maxLength: 5 }),
  autoLeave: fc.boolean(),
});

const blank = message("heartbeat", 0, 0, 0);

const plain = fc
  .tuple(
    fc.constantFrom(
      "append",
      "append-response",
      "heartbeat",
      "heartbeat-response",
      "vote",
      "vote-response",
      "pre-vote",
      "pre-vote-response",
      "read-index",
      "read-index-response",
      "transfer-leader",
      "timeout-now",
    ),
    base,
  )
  .map(([type, fields]): Message => ({ ...blank, ...fields, type: type as Message["type"] }));

const appends = fc
  .tuple(base, fc.array(fc.tuple(fc.nat({ max: 3 }), kind, bytes), { minLength: 1, maxLength: 9 }))
  .map(([fields, list]): Message => {
    const index = Math.min(fields.index, 2 ** 52);
    let term = Math.min(fields.logTerm, 2 ** 52);
    const logTerm = term;
    const entries = list.map(([rise, type, data], at): Entry => {
      term += rise;
      return { term, index: index + 1 + at, type, data };
    });
    return { ...blank, ...fields, type: "append", index, logTerm, entries };
  });

const proposals = fc
  .tuple(base, fc.array(fc.tuple(kind, bytes), { minLength: 1, maxLength: 5 }))
  .map(([fields, list]): Message => {
    const entries = list.map(([type, data]): Entry => ({ term: 0, index: 0, type, data }));
    return { ...blank, ...fields, type: "propose", entries };
  });

const snapshots = fc
  .tuple(base, fc.record({ index: number, term: number, confState, data: bytes }))
  .map(([fields, snapshot]): Message => ({ ...blank, ...fields, type: "snapshot", snapshot }));

const anyMessage = fc.oneof(plain, appends, proposals, snapshots);

function outcome(frame: Uint8Array): readonly Message[] | "refused" {
  try {
    return decodeMessages(frame);
  } catch (error) {
    if (error instanceof RaftError && error.code === "RAFT_MALFORMED") return "refused";
    throw error;
  }
}

/** What the core may take for granted of a message that was accepted. */
function expectSound(messages: readonly Message[]): void {
  for (const { type, entries, snapshot, index, logTerm, responses, vote } of messages) {
    expect([responses.length, vote]).toEqual([0, 0]);
    expect(type === "snapshot").toBe(snapshot !== undefined);
    if (type === "propose") expect(entries.length).toBeGreaterThan(0);
    if (type !== "append") continue;
    let term = logTerm;
    for (const [at, entry] of entries.entries()) {
      expect(entry.index).toBe(index + 1 + at);
      expect(Number.isSafeInteger(entry.term) && entry.term >= term).toBe(true);
      term = entry.term;
    }
  }
}

test("what is decoded is what was encoded, many messages to a frame", () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 6 }), fc.nat({ max: 9 }), (messages, head) => {
      expect(decodeMessages(encodeMessages(messages, head), head)).toEqual(messages);
    }),
  );
});

test("a frame that was cut is refused, or holds whole messages of those that were sent", () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 3 }), (messages) => {
      const frame = encodeMessages(messages);
      for (let end = 0; end < frame.length; end++) {
        const read = outcome(frame.slice(0, end));
        if (read !== "refused") expect(read).toEqual(messages.slice(0, read.length));
      }
    }),
    { numRuns: 40 },
  );
});

test("a frame of which a bit has flipped is refused, or makes sense", () => {
  fc.assert(
    fc.property(anyMessage, (each) => {
      const frame = encodeMessage(each);
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const flipped = frame.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        const read = outcome(flipped);
        if (read !== "refused") expectSound(read);
      }
    }),
    { numRuns: 40 },
  );
});

test("any bytes are refused, or make sense", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
      const read = outcome(Uint8Array.of(1, ...noise));
      if (read !== "refused") expectSound(read);
    }),
    { numRuns: 2_000 },
  );
});

const append = (entries: readonly Entry[]): Message => {
  return { ...message("append", 2, 1, 5), index: 10, logTerm: 4, entries };
};

test("counts and lengths beyond what is there are refused before anything is allocated", () => {
  const many = [0x81, 0x80, 0x80, 0x80, 0x80, 0x01]; // 2^35 + 1
  const head = [1, 0, 16, 2, 1];
  expect(outcome(Uint8Array.of(...head, ...many))).toBe("refused"); // entries
  expect(outcome(Uint8Array.of(...head, 1, ...many))).toBe("refused"); // bytes of data
  expect(outcome(Uint8Array.of(1, 2, 0x80, 8, 2, 1, ...many))).toBe("refused"); // of a context
  const members = [1, 8, 0x80, 16, 2, 1, 7, 7, 0, ...many];
  expect(outcome(Uint8Array.of(...members))).toBe("refused");
});

test("a frame holds so many messages and entries, and no more", () => {
  const beat = message("heartbeat", 2, 1, 5);
  const most = Array.from({ length: MESSAGES_MAX }, () => beat);
  expect(decodeMessages(encodeMessages(most))).toHaveLength(MESSAGES_MAX);
  expect(outcome(encodeMessages([...most, beat]))).toBe("refused");
  const data = new Uint8Array(0);
  const entries = Array.from({ length: ENTRIES_MAX }, (_, at): Entry => {
    return { term: 4, index: 11 + at, type: "normal", data };
  });
  const full = encodeMessages([append(entries)]);
  expect(decodeMessages(full)[0]?.entries).toHaveLength(ENTRIES_MAX);
  const two = encodeMessages([append(entries), append(entries.slice(0, 1))]);
  expect(outcome(two)).toBe("refused");
  expect(() => encodeMessages([append([...entries, ...entries])])).toThrow(RaftError);
});

test("what a node only tells itself is refused both ways", () => {
  for (const type of ["campaign", "beat", "unreachable", "storage-append"] as const) {
    expect(() => encodeMessage(message(type, 1, 1, 0))).toThrow(RaftError);
  }
  for (let number = 14; number < 256; number++) {
    expect(outcome(Uint8Array.of(1, number, 0, 1, 2))).toBe("refused");
  }
});

test("entries out of place are not sent: they would be read as others", () => {
  const entry: Entry = { term: 4, index: 12, type: "normal", data: Uint8Array.of(1) };
  expect(() => encodeMessage(append([entry]))).toThrow(/out of place/);
  expect(() => encodeMessage(append([{ ...entry, index: 11, term: 3 }]))).toThrow(/out of place/);
});

test("another version is refused, and so is a second message where one is asked for", () => {
  const frame = encodeMessage(message("heartbeat", 2, 1, 5));
  expect(decodeMessage(frame).type).toBe("heartbeat");
  expect(() => decodeMessage(frame.slice(0, 1))).toThrow(RaftError);
  frame[0] = 2;
  expect(outcome(frame)).toBe("refused");
});

test("the data of entries are views of the frame, unless they would keep too much of it", () => {
  const entry: Entry = { term: 4, index: 11, type: "normal", data: new Uint8Array(100).fill(7) };
  const frame = encodeMessage(append([entry]));
  expect(decodeMessage(frame).entries[0]?.data.buffer).toBe(frame.buffer);
  const read = { ...message("read-index", 2, 1, 5), context: new Uint8Array(1_000) };
  const mixed = encodeMessages([append([entry]), read]);
  const [first, second] = decodeMessages(mixed);
  expect(first?.entries[0]?.data).toEqual(entry.data);
  expect(first?.entries[0]?.data.buffer).not.toBe(mixed.buffer);
  expect(second?.context?.buffer).not.toBe(mixed.buffer);
});

test("a heartbeat takes 8 bytes, and an entry of 100 bytes two more than its data", () => {
  const beat = { ...message("heartbeat", 2, 1, 5), commit: 1_000 };
  expect(encodeMessage(beat)).toHaveLength(8);
  const entries = [11, 12].map((index): Entry => {
    return { term: 4, index, type: "normal", data: new Uint8Array(100) };
  });
  const two = encodeMessage(append(entries)).length;
  expect(two - encodeMessage(append(entries.slice(0, 1))).length).toBe(102);
});
