// The guards as they are.
import fc from "fast-check";
import { expect, test } from "vitest";
import * as deadlines from "../../src/codec/node/deadline.ts";
import * as messages from "../../src/codec/node/http1-messages.ts";
import * as buffers from "../../src/codec/node/outgoing-buffer.ts";
import * as frames from "../../src/codec/rules/frame-scanner.ts";
import * as fields from "../../src/codec/rules/http2-fields.ts";
import * as floods from "../../src/codec/rules/http2-floods.ts";
import * as requests from "../../src/codec/rules/request-scanner.ts";
import { guardTraps } from "./guard-traps.ts";
import { partTraps } from "./part-traps.ts";

const modules = { frames, floods, fields, requests, buffers, deadlines, messages };

test.each([...guardTraps, ...partTraps])("$name", ({ run }) => run(modules));

test("whatever bytes come, in whatever pieces, the scanner sees the same frames", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2_000 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (bytes, sizes) => {
        const see = (pieces: Uint8Array[]): unknown[] => {
          const scanner = new frames.FrameScanner(0);
          const seen: unknown[] = [];
          for (const piece of pieces) scanner.scan(piece, (head) => seen.push(head) < 0);
          return seen;
        };
        const pieces: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const end = at + sizes[i % sizes.length]!;
          pieces.push(bytes.subarray(at, end));
          at = end;
        }
        expect(see(pieces)).toEqual(see([bytes]));
      },
    ),
  );
});
