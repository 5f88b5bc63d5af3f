// Accept-Encoding against its meaning, read from what it was written from; and bodies through
// compression, however they are cut and however slow the client is.
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { acceptsGzip } from "../../src/filters/accept-encoding.ts";
import { GzipStage } from "../../src/filters/gzip-stage.ts";
import { TestClient } from "./harness.ts";

const CODINGS = ["gzip", "identity", "*", "br", "deflate"] as const;

test("RFC 9110 §12.5.3: the weights decide, however they are written", () => {
  const space = fc.constantFrom("", " ", "\t");
  const element = fc.record({
    coding: fc.constantFrom(...CODINGS),
    thousandths: fc.option(fc.integer({ min: 0, max: 1000 }), { nil: undefined }),
    isCapital: fc.boolean(),
    spaces: fc.tuple(space, space, space, space),
  });
  const elements = fc.uniqueArray(element, { selector: ({ coding }) => coding, maxLength: 5 });
  fc.assert(
    fc.property(elements, (list) => {
      const weightOf = new Map<string, number>();
      const texts = list.map(({ coding, thousandths, isCapital, spaces: [a, b, c, d] }) => {
        weightOf.set(coding, (thousandths ?? 1000) / 1000);
        const name = isCapital ? coding.toUpperCase() : coding;
        const weight = thousandths === undefined ? "" : (thousandths / 1000).toFixed(3);
        const parameter =
          weight && `${b};${c}${isCapital ? "Q" : "q"}=${weight.replace(/\.?0+$/, "") || "0"}`;
        return `${a}${name}${parameter}${d}`;
      });
      const star = weightOf.get("*");
      const gzip = weightOf.get("gzip") ?? star ?? 0;
      const identity = weightOf.get("identity") ?? star ?? 0;
      expect(acceptsGzip(texts.join(","))).toBe(gzip > 0 && gzip >= identity);
    }),
    { numRuns: 1_000 },
  );
});

test("whatever is written, it says yes or no in time", () => {
  const pieces = fc.constantFrom("gzip", ";", "q", "=", "0", ".", "1", ",", " ", "\t", "*", '"');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (list) => {
      expect(typeof acceptsGzip(list.join(""))).toBe("boolean");
    }),
  );
  expect(acceptsGzip(`gzip${" ".repeat(60_000)}x`)).toBe(false);
  expect(acceptsGzip(`${"\t ".repeat(30_000)};`)).toBe(false);
});

test("a body is the same behind gunzip, however it is cut and read", async () => {
  const part = fc.record({
    bytes: fc.integer({ min: 0, max: 40_000 }),
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    isSlow: fc.boolean(),
  });
  const parts = fc.array(part, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(parts, async (list) => {
      const client = new TestClient();
      const numbers = { totalUncompressedBytes: 0, totalCompressedBytes: 0 };
      let overs = 0;
      let wake = (): void => {};
      const stage: GzipStage = new GzipStage({
        next: client,
        onReady: () => wake(),
        numbers,
        onOver: () => overs++,
      });
      client.stages = [stage];
      const sent: Buffer[] = [];
      for (const [i, { bytes, seed, isSlow }] of list.entries()) {
        const chunk = Buffer.from(Array.from({ length: bytes }, (_, at) => (at * seed) % 253));
        sent.push(chunk);
        client.isReading = !isSlow;
        const isReady = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const takesMore = stage.sendData(chunk, i === list.length - 1);
        if (isSlow) setImmediate(() => client.resume());
        if (!takesMore) await isReady;
      }
      client.resume();
      await client.until(() => client.hasEnded);
      const body = Buffer.concat(sent);
      expect(gunzipSync(client.body).equals(body)).toBe(true);
      expect(numbers).toEqual({
        totalUncompressedBytes: body.length,
        totalCompressedBytes: client.body.length,
      });
      expect(overs).toBe(1);
    }),
    { numRuns: 60 },
  );
});
