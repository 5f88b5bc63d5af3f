import fc from "fast-check";
import { expect, test } from "vitest";
import { readFirstBytes } from "../../src/tls/client-hello.ts";
import { clientHelloTraps } from "./client-hello-traps.ts";
import { inRecords, realHello } from "./hello-bytes.ts";

test.each(Object.entries(clientHelloTraps))("%s", (_name, trap) => trap(readFirstBytes));

test("the platform's own hello is read, and every beginning of it asks for more", async () => {
  const bytes = await realHello("A.Example", ["h2", "http/1.1"]);
  const hello = { serverName: "a.example", applicationProtocols: ["h2", "http/1.1"] };
  expect(readFirstBytes(bytes)).toEqual({ kind: "hello", hello });
  for (let end = 0; end < bytes.length; end++) {
    expect(readFirstBytes(bytes.subarray(0, end)).kind).toBe("more");
  }
});

const kinds = new Set(["more", "plain", "malformed", "too-large", "hello"]);

test("each bit of a hello may be flipped: it is read or refused, and never more than there is", async () => {
  const bytes = await realHello("a.example", ["h2"]);
  const seen = new Set<string>();
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    seen.add(readFirstBytes(flipped).kind);
  }
  for (const kind of seen) expect(kinds).toContain(kind);
  expect(seen.size).toBeGreaterThan(3);
});

test("whatever the bytes, they are judged, and a whole hello is judged alike however it is cut", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 1, max: 40 }), (junk, cut) => {
      expect(kinds).toContain(readFirstBytes(junk).kind);
      expect(kinds).toContain(readFirstBytes(Buffer.concat([Buffer.of(22, 3, 1), junk])).kind);
      const message = Buffer.concat([Buffer.of(1, 0, junk.length >> 8, junk.length & 255), junk]);
      const inOne = readFirstBytes(inRecords(message));
      expect(readFirstBytes(inRecords(message, cut))).toEqual(inOne);
    }),
  );
});
