import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFieldLines } from "../../src/codec/rules/field-lines.ts";
import { RequestScanner, type ScannerRules } from "../../src/codec/rules/request-scanner.ts";
import { post, type Shape, withLines } from "../ambiguity/shape.ts";
import { connections, limits } from "../ambiguity/shapes/connection.ts";
import { chunks, codings, lengths } from "../ambiguity/shapes/framing.ts";
import { endings, requestLines, values } from "../ambiguity/shapes/lines.ts";
import { forms, hosts, paths } from "../ambiguity/shapes/targets.ts";

const rules: ScannerRules = {
  headersBytesMax: 2_000,
  headersMax: 50,
  upgrades: new Set(["websocket"]),
  scheme: "http",
};

interface Told {
  readonly heads: string[];
  /** Bytes of all bodies, as they stand on the wire. */
  body: string;
  readonly trailers: string[][];
  refused: string | undefined;
}

/** Everything that a scanner tells of bytes in pieces. */
function scanAll(
  pieces: readonly Buffer[],
  scanner: RequestScanner = new RequestScanner(rules),
): Told {
  const told: Told = { heads: [], body: "", trailers: [], refused: undefined };
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const step = scanner.scan(piece, at);
      if (step.kind === "more") break;
      if (step.kind === "refused") {
        told.refused = step.reason;
        // How much of a body went by before depends on the pieces, and is of no use to anybody.
        told.body = "";
        return told;
      }
      if (step.kind === "head") {
        const { method, authority, path, fields } = step.head.head;
        told.heads.push([method, authority, path, ...fields.flat].join(" "));
      } else {
        told.body += piece.toString("latin1", at, step.end);
        if (step.trailers) told.trailers.push(step.trailers);
      }
      expect(step.end, "a step goes forward, within the piece").toBeGreaterThan(at);
      expect(step.end).toBeLessThanOrEqual(piece.length);
      at = step.end;
    }
  }
  return told;
}

const shapes: readonly Shape[] = [
  lengths,
  codings,
  chunks,
  endings,
  requestLines,
  values,
  hosts,
  forms,
  paths,
  connections,
  limits,
]
  .flat()
  .filter(({ bytes }) => bytes.length < 5_000);

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
  sorted.sort((a, b) => a - b);
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
}

describe("where the pieces of a stream are cut changes nothing", () => {
  test("for every shape and every cut in two", () => {
    for (const { bytes: text, name } of shapes) {
      const bytes = Buffer.from(text, "latin1");
      const whole = scanAll([bytes]);
      for (let at = 1; at < bytes.length; at += bytes.length > 600 ? 37 : 1) {
        const told = scanAll([bytes.subarray(0, at), bytes.subarray(at)]);
        expect(told, `${name} at ${at}`).toEqual(whole);
      }
    }
  });

  test("for shapes one after the other, cut anywhere", () => {
    const some = fc.array(fc.constantFrom(...shapes), { minLength: 1, maxLength: 4 });
    const places = fc.array(fc.nat(20_000), { maxLength: 12 });
    fc.assert(
      fc.property(some, places, (list, cuts) => {
        const bytes = Buffer.from(list.map(({ bytes }) => bytes).join(""), "latin1");
        expect(scanAll(cut(bytes, cuts))).toEqual(scanAll([bytes]));
      }),
      { numRuns: 300 },
    );
  });
});

test("bytes at random are refused or read, and never throw", () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .record({ shape: fc.constantFrom(...shapes), at: fc.nat(), byte: fc.nat(255) })
      .map(({ shape, at, byte }) => {
        const bytes = Buffer.from(shape.bytes, "latin1");
        bytes[at % bytes.length] = byte;
        return bytes;
      }),
  );
  fc.assert(
    fc.property(noise, (bytes) => {
      const told = scanAll([bytes]);
      // What is shown as a head has been through the rules: no byte of it can end a line.
      for (const head of told.heads) expect(head).not.toMatch(/[\r\n\0]/);
    }),
    { numRuns: 500 },
  );
});

test("RFC 9112 §7.1: any body in any chunks is found to its end", () => {
  const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(parts, fc.array(fc.nat(2_000), { maxLength: 6 }), (chunked, cuts) => {
      const body = chunked
        .map((part) => `${part.length.toString(16)}\r\n${Buffer.from(part).toString("latin1")}\r\n`)
        .join("");
      const text = post(["Transfer-Encoding: chunked"], `${body}0\r\n\r\n`) + withLines();
      const told = scanAll(cut(Buffer.from(text, "latin1"), cuts));
      expect(told.refused).toBeUndefined();
      expect(told.heads).toHaveLength(2);
      expect(told.body).toBe(`${body}0\r\n\r\n`);
    }),
  );
});

test("a head is refused when it is too large, and not a byte later", () => {
  const scanner = new RequestScanner(rules);
  const beginning = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nX-A: ");
  expect(scanner.scan(beginning, 0).kind).toBe("more");
  const byte = Buffer.from("b");
  for (let held = beginning.length; held < rules.headersBytesMax; held++) {
    expect(scanner.scan(byte, 0).kind).toBe("more");
  }
  expect(scanner.scan(byte, 0)).toEqual({ kind: "refused", reason: "head-too-large" });
});

// By an expression that can split spaces in two ways the first of these takes half an hour.
test.each([
  ["spaces", " ".repeat(1_000_000)],
  ["tabs behind a letter", `a${"\t".repeat(1_000_000)}`],
  ["letters and spaces", "a ".repeat(500_000)],
  ["spaces on both sides", `${" ".repeat(500_000)}a${" ".repeat(500_000)}`],
])("a line of %s and a NUL is refused in time that grows with it, and no faster", (_, value) => {
  const section = { headersMax: 10 };
  expect(readFieldLines(`x:${value}\0\r\n`, 0, section)).toBe("field-value");
  expect(readFieldLines(`x:${value}`, 0, section)).toEqual(["x", value.trim()]);
});

test("trailers are counted as they come, not when they have ended", () => {
  const scanner = new RequestScanner({ ...rules, headersBytesMax: 1_000_000 });
  const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  const most = scanAll([Buffer.from(`${chunked}${"a:b\r\n".repeat(50)}`)], scanner);
  expect([most.refused, most.trailers]).toEqual([undefined, []]);
  const whole = scanAll([Buffer.from("\r\n")], scanner);
  expect(whole.trailers.map(({ length }) => length)).toEqual([100]);
  const more = [Buffer.from(`${chunked}${"a:b\r\n".repeat(50)}`), Buffer.from("a:b\r\n")];
  expect(scanAll(more, scanner).refused).toBe("fields-too-many");
});

test("trailers as large as they may be cost no more than their own length", () => {
  const scanner = new RequestScanner({ ...rules, headersMax: 1e6, headersBytesMax: 8e6 });
  const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  const lines = Buffer.from("a:b\r\n".repeat(1e6));
  expect(
    scanAll([Buffer.from(chunked), lines, Buffer.from("\r\n")], scanner).trailers,
  ).toHaveLength(1);
});
