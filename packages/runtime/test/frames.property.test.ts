import { FrameDecoder, frameHeader } from "@compendium/runtime/node";
import fc from "fast-check";
import { expect, test } from "vitest";

const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });

const encode = (list: Uint8Array[]): Uint8Array =>
  Uint8Array.from(list.flatMap((message) => [...frameHeader(message.length), ...message]));

test("any cutting of the stream yields the same messages", () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(900)), (list, cuts) => {
      const stream = encode(list);
      const decoder = new FrameDecoder(40);
      const borders = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const decoded = borders.flatMap((from, i) =>
        decoder.push(stream.subarray(from, borders[i + 1] ?? stream.length)),
      );
      expect(decoded).toEqual(list);
      expect(decoder.idle).toBe(true);
    }),
  );
});

test("a message survives its growth beyond the first buffer, and is a copy", () => {
  const message = Uint8Array.from({ length: 50_000 }, (_, i) => i % 251);
  const stream = encode([message]);
  const decoder = new FrameDecoder(50_000);
  const decoded: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += 1_777) {
    const piece = stream.slice(at, at + 1_777);
    decoded.push(...decoder.push(piece));
    piece.fill(0);
  }
  expect(decoded).toEqual([message]);
});

test("arbitrary bytes are messages within the limit, or FRAME_TOO_LARGE", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const decoder = new FrameDecoder(16);
      try {
        for (const message of decoder.push(bytes)) expect(message.length).toBeLessThanOrEqual(16);
      } catch (error) {
        expect(error).toMatchObject({ code: "FRAME_TOO_LARGE" });
      }
    }),
  );
});
