import { RaftError } from "@compendium/raft";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeChangeContext,
  decodeEnvelope,
  type Envelope,
  encodeChangeContext,
  encodeEnvelope,
} from "../../src/node/envelope.ts";

const number = fc.oneof(fc.nat(300), fc.maxSafeNat());
const bytes = fc.uint8Array({ maxLength: 300 });
const by = { proposer: number, number };
const envelope: fc.Arbitrary<Envelope> = fc.oneof(
  fc.record({ kind: fc.constant("command" as const), ...by, command: bytes }),
  fc.record({
    kind: fc.constant("session" as const),
    ...by,
    session: number,
    sequence: number,
    acknowledged: number,
    command: bytes,
  }),
  fc.record({ kind: fc.constant("open" as const), ...by, sessionsMax: number }),
  fc.record({ kind: fc.constant("bind" as const), member: number, diskId: number }),
);
const address = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
const context = fc.record({
  ...by,
  addresses: fc.array(fc.tuple(number, address), { maxLength: 8 }).map((all) => new Map(all)),
});

// What it is, or that it is refused with the one error that says so.
function attempt<T>(decode: () => T): T | "malformed" {
  try {
    return decode();
  } catch (error) {
    expect(error).toBeInstanceOf(RaftError);
    expect(error).toMatchObject({ code: "RAFT_MALFORMED" });
    return "malformed";
  }
}

test("what an entry holds is read as it was written", () => {
  fc.assert(
    fc.property(envelope, (given) => {
      expect(decodeEnvelope(encodeEnvelope(given))).toEqual(given);
    }),
  );
});

test("what a change says beside its steps is read as it was written; nothing is nothing", () => {
  fc.assert(
    fc.property(context, (given) => {
      expect(decodeChangeContext(encodeChangeContext(given))).toEqual(given);
    }),
  );
  expect(decodeChangeContext(new Uint8Array(0))).toBeUndefined();
});

test("any bytes are an entry that is written the same way, or are refused", () => {
  const kinds = fc.tuple(fc.nat(5), bytes).map(([kind, rest]) => Uint8Array.of(kind, ...rest));
  fc.assert(
    fc.property(kinds, (data) => {
      const read = attempt(() => decodeEnvelope(data));
      // A number may have been written with more bytes than it needs; what it says is the same.
      if (read !== "malformed") expect(decodeEnvelope(encodeEnvelope(read))).toEqual(read);
    }),
    { numRuns: 1_000 },
  );
});

test("any bytes are a change's context that is written the same way, or are refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (data) => {
      const read = attempt(() => decodeChangeContext(data));
      if (read === "malformed" || read === undefined) return;
      expect(decodeChangeContext(encodeChangeContext(read))).toEqual(read);
    }),
    { numRuns: 1_000 },
  );
});

test("no entry but a command is read from a part of it, or from more than it", () => {
  fc.assert(
    fc.property(envelope, fc.nat(), bytes, (given, draw, more) => {
      const whole = encodeEnvelope(given);
      const part = whole.subarray(0, draw % whole.length);
      const read = attempt(() => decodeEnvelope(part));
      if (given.kind === "open" || given.kind === "bind") {
        expect(read).toBe("malformed");
        const longer = Uint8Array.of(...whole, ...more);
        if (more.length > 0) expect(attempt(() => decodeEnvelope(longer))).toBe("malformed");
      } else if (read !== "malformed" && "command" in read) {
        expect(read).toEqual({ ...given, command: read.command });
      }
    }),
  );
});

test("a change's context is refused in part, and with an address that is no text", () => {
  fc.assert(
    fc.property(context, fc.nat(), (given, draw) => {
      const whole = encodeChangeContext(given);
      const part = whole.subarray(0, draw % whole.length);
      expect(attempt(() => decodeChangeContext(part)) ?? "malformed").toBe("malformed");
    }),
  );
  const invalid = Uint8Array.of(1, 1, 1, 4, 2, 0xc3, 0x28);
  expect(attempt(() => decodeChangeContext(invalid))).toBe("malformed");
});
