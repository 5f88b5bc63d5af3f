// The reader of the RateLimit field against a parser of somebody else's: it takes what that one
// takes, and nothing else.
import fc from "fast-check";
import { type BareItem, type List, parseList, serializeList, Token } from "structured-headers";
import { expect, test } from "vitest";
import { parseRateLimit, type ServiceLimit } from "../../src/rate-limit-field.ts";

const text = fc.stringMatching(/^[ -~]{0,12}$/);
const integer = fc.integer({ min: -5, max: 999_999_999_999_999 });
const bareItem: fc.Arbitrary<BareItem> = fc.oneof(
  integer,
  fc.integer({ min: -9_999, max: 9_999 }).map((it) => it / 8),
  text,
  fc.constantFrom("a", "Token", "*x/y:z!").map((it) => new Token(it)),
  fc.uint8Array({ maxLength: 6 }),
  // No dates: that parser takes none that anything stands behind.
  fc.boolean(),
);
const parameters = fc
  .array(fc.tuple(fc.constantFrom("r", "t", "pk", "q", "*a-b.c_1"), fc.oneof(integer, bareItem)), {
    maxLength: 5,
  })
  .map((entries) => new Map(entries));
const list: fc.Arbitrary<List> = fc.array(fc.tuple(fc.oneof(text, text, bareItem), parameters), {
  minLength: 1,
  maxLength: 3,
});

// What the draft says of a list that has been parsed.
function limitsOf(list: List): ServiceLimit[] | undefined {
  const limits: ServiceLimit[] = [];
  for (const [policy, parameters] of list) {
    const [remaining, windowS] = [parameters.get("r"), parameters.get("t")];
    if (typeof policy !== "string" || !isCount(remaining)) return undefined;
    if (windowS !== undefined && !isCount(windowS)) return undefined;
    limits.push({
      policy,
      remaining,
      windowMs: windowS === undefined ? undefined : windowS * 1000,
    });
  }
  return limits.length === 0 ? undefined : limits;
}

const isCount = (value: BareItem | undefined): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0;

function expected(field: string): ServiceLimit[] | undefined {
  try {
    return limitsOf(parseList(field));
  } catch {
    return undefined;
  }
}

test("reads whatever a serializer writes as that was meant", () => {
  fc.assert(
    fc.property(list, (list) => {
      // A decimal without a fraction is none to a number of ours; it is to the grammar.
      const field = serializeList(list);
      fc.pre(!/[rt]=-?\d+\.0/.test(field));
      expect(parseRateLimit(field)).toEqual(limitsOf(parseList(field)));
    }),
    { numRuns: 2_000 },
  );
});

test("takes and refuses what the other parser does, on fields that are nearly right", () => {
  const piece = fc.constantFrom(
    ...[
      '"a"',
      '"b',
      '"\\""',
      ";",
      "; ",
      " ;",
      "r=0",
      "r=5",
      "t=9",
      "t",
      "t=-1",
      "r=1.5",
      ",",
      ", ",
    ],
    ...[
      "\t",
      " ",
      "pk=:YQ==:",
      "=",
      "R=1",
      "rT=1",
      "r=",
      "x=tok",
      "x=?1",
      "x=?2",
      '"é"',
      "é",
      "\n",
    ],
  );
  const near = fc.array(piece, { maxLength: 7 }).map((rest) => `"p";r=1${rest.join("")}`);
  fc.assert(
    fc.property(
      fc.oneof(
        near,
        fc.array(piece, { maxLength: 8 }).map((it) => it.join("")),
      ),
      (field) => {
        expect(parseRateLimit(field)).toEqual(expected(field));
      },
    ),
    { numRuns: 20_000 },
  );
});

test.each([
  ['"default";r=50;t=30', [{ policy: "default", remaining: 50, windowMs: 30_000 }]],
  [
    '"default";r=999;pk=:dHJpYWwxMjEzMjM=:',
    [{ policy: "default", remaining: 999, windowMs: undefined }],
  ],
  [
    '"a";r=1;r=2 ,\t"b";r=0',
    [
      { policy: "a", remaining: 2, windowMs: undefined },
      { policy: "b", remaining: 0, windowMs: undefined },
    ],
  ],
  ['"a";x=@9;r=1', [{ policy: "a", remaining: 1, windowMs: undefined }]],
  ["", undefined],
  [null, undefined],
  ["default;r=50", undefined],
  ['"default";t=30', undefined],
  ['"default";r=50;t=-1', undefined],
  ['"default";r=50,', undefined],
  ["limit=100, remaining=50, reset=30", undefined],
])("%s", (field, limits) => {
  expect(parseRateLimit(field)).toEqual(limits);
});

test("a field of a megabyte is not read", () => {
  expect(parseRateLimit(`"a";r=0;x="${"y".repeat(1_000_000)}"`)).toBe(undefined);
});
