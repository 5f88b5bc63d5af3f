import {
  encodeGrpcTimeout,
  encodeTimeoutMs,
  parseGrpcTimeout,
  parseTimeoutMs,
  type TimeoutHeader,
} from "@compendium/resilience";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const msOf = (header: TimeoutHeader | undefined) => (header?.valid ? header.timeoutMs : undefined);
const remaining = fc.oneof(
  fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
  fc.double({ min: 1e-3, max: 3e14, noNaN: true }),
  fc.integer({ min: 1, max: 1e9 }),
);

const unit = fc.constantFrom(..."0123456789HMSmun .-+,\n\0é١");

describe("grpc-timeout", () => {
  test("gRPC over HTTP2: TimeoutValue is at most 8 digits, TimeoutUnit one of H M S m u n", () => {
    const valid = { "1H": 3_600_000, "2M": 120_000, "3S": 3_000, "4m": 4, "5u": 0.005, "6n": 6e-6 };
    for (const [value, ms] of Object.entries(valid)) expect(msOf(parseGrpcTimeout(value))).toBe(ms);
    expect(msOf(parseGrpcTimeout("00000100m"))).toBe(100);
    expect(msOf(parseGrpcTimeout("99999999H"))).toBe(99_999_999 * 3_600_000);
    expect(msOf(parseGrpcTimeout("0n"))).toBe(0);
  });

  test("anything else is malformed, which is not the same as absent", () => {
    const broken = ["", "1", "m", "123456789m", "1s", "1 m", " 1m", "1m ", "1m\n", "-1m", "+1m"];
    broken.push("1.5S", "1e3m", "0x1m", "١m", "1mm", "1m,2m", "m1", "9".repeat(100_000));
    for (const value of broken) expect(parseGrpcTimeout(value)).toMatchObject({ valid: false });
    expect(parseGrpcTimeout(undefined)).toBe(undefined);
  });

  test("what is written can be read, is never later than what is left, and loses little", () => {
    fc.assert(
      fc.property(remaining, (ms) => {
        const read = msOf(parseGrpcTimeout(encodeGrpcTimeout(ms))) as number;
        expect(read).toBeLessThanOrEqual(ms);
        // A whole unit where the next finer one no longer fits into eight digits, or 1 µs.
        expect(ms - read).toBeLessThanOrEqual(Math.max(0.001, ms / 1e5) * (1 + 1e-9));
      }),
    );
  });

  test("a product that is rounded up to a whole unit does not lengthen the deadline", () => {
    expect(encodeGrpcTimeout(85_963.14199999999)).toBe("85963141u");
  });

  test("no deadline is no header; one that has passed is the shortest there is", () => {
    expect(encodeGrpcTimeout(Infinity)).toBe(undefined);
    for (const ms of [0, -1, -Infinity, 1e-4]) expect(encodeGrpcTimeout(ms)).toBe("1n");
    expect(encodeGrpcTimeout(1e300)).toBe("99999999H");
    expect(() => encodeGrpcTimeout(Number.NaN)).toThrow("remainingMs must be a number, got NaN");
  });
});

describe("the header in milliseconds", () => {
  test("is read as 1 to 10 digits that do not begin with 0", () => {
    expect(msOf(parseTimeoutMs("250"))).toBe(250);
    expect(msOf(parseTimeoutMs("9999999999"))).toBe(9_999_999_999);
    const broken = ["", "0", "007", "-1", "1.5", "1e3", "12345678901", " 1", "1 ", "250ms", "1, 2"];
    for (const value of broken) expect(parseTimeoutMs(value)).toMatchObject({ valid: false });
    expect(parseTimeoutMs(undefined)).toBe(undefined);
  });

  test("what is written can be read, and is never later than what is left, but for the first ms", () => {
    fc.assert(
      fc.property(remaining, (ms) => {
        const read = msOf(parseTimeoutMs(encodeTimeoutMs(ms))) as number;
        expect(read).toBe(Math.min(9_999_999_999, Math.max(1, Math.floor(ms))));
      }),
    );
  });

  test("0 is never written: to Envoy it means no timeout at all", () => {
    for (const ms of [0, -5, 0.2, -Infinity]) expect(encodeTimeoutMs(ms)).toBe("1");
    expect(encodeTimeoutMs(Infinity)).toBe(undefined);
    expect(() => encodeTimeoutMs(Number.NaN)).toThrow(RangeError);
  });
});

test("whatever comes from outside is read or refused, and never repeated in the reason", () => {
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (value) => {
      return [parseGrpcTimeout(value), parseTimeoutMs(value)].every((header) =>
        header?.valid
          ? header.timeoutMs >= 0
          : value.length < 9 || header?.reason.includes(value) === false,
      );
    }),
  );
});
