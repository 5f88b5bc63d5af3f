// RFC 9110 §10.2.3: what is read as Retry-After, and what a wait is written as.
import { parseRetryAfter } from "@compendium/resilience/fetch";
import { formatRetryAfter } from "@compendium/resilience/http";
import fc from "fast-check";
import { expect, test, vi } from "vitest";

// The asctime form names no zone, and means GMT wherever it is read.
vi.stubEnv("TZ", "America/New_York");

const now = Date.UTC(1994, 10, 6, 8, 49, 37);

test.each([
  ["120", 120_000],
  ["0", 0],
  [" 7 ", 7_000],
  ["Sun, 06 Nov 1994 08:49:40 GMT", 3_000],
  ["Sunday, 06-Nov-94 08:49:40 GMT", 3_000],
  ["Sun Nov  6 08:49:40 1994", 3_000],
  ["Sun, 06 Nov 1994 08:49:30 GMT", 0],
])("Retry-After: %s is %i ms", (value, ms) => {
  expect(parseRetryAfter(value, now)).toBe(ms);
});

test.each([
  null,
  undefined,
  "",
  "-1",
  "1.5",
  "1e3",
  "0x10",
  "12345678901",
  "soon",
  "2030-01-01T00:00:00Z",
  "Sun, 99 Nov 1994 08:49:40 GMT",
  "Sun, 06 Nov 1994 08:49:40 +0100",
])("Retry-After: %s counts as absent", (value) => {
  expect(parseRetryAfter(value, now)).toBeUndefined();
});

test("any text is a wait from 0 or absent, and is never an error", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d:, A-Za-z-]{0,40}$/)), (text) => {
      const waitMs = parseRetryAfter(text, now);
      expect(waitMs === undefined || (waitMs >= 0 && waitMs < Infinity)).toBe(true);
    }),
  );
});

test("a wait that is written and read again is never shorter, nor a second longer", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (waitMs) => {
      const readMs = parseRetryAfter(formatRetryAfter(waitMs), now) ?? -1;
      expect(readMs).toBeGreaterThanOrEqual(Math.max(waitMs, 1_000));
      expect(readMs).toBeLessThan(Math.max(waitMs + 1_000, 1_001));
    }),
  );
});
