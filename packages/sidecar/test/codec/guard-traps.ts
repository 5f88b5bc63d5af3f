// What the guards of the codec promise, each as a small history; on the sources as they are, and on
// every mutant of them.
import { expect } from "vitest";
import type { FrameHead } from "../../src/codec/rules/frame-scanner.ts";
import type { FloodLimits, FloodReason } from "../../src/codec/rules/http2-floods.ts";
import { block, END_HEADERS, END_STREAM, frame, preface } from "../ambiguity/http2-frames.ts";

export interface GuardModules {
  readonly frames: typeof import("../../src/codec/rules/frame-scanner.ts");
  readonly floods: typeof import("../../src/codec/rules/http2-floods.ts");
  readonly fields: typeof import("../../src/codec/rules/http2-fields.ts");
  readonly requests: typeof import("../../src/codec/rules/request-scanner.ts");
  readonly buffers: typeof import("../../src/codec/node/outgoing-buffer.ts");
  readonly deadlines: typeof import("../../src/codec/node/deadline.ts");
  readonly messages: typeof import("../../src/codec/node/http1-messages.ts");
}

export interface GuardTrap {
  readonly name: string;
  readonly run: (modules: GuardModules) => void;
}

const DATA = 0;
const HEADERS = 1;
const PRIORITY = 2;
const RST_STREAM = 3;
const PING = 6;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;

const head = (type: number, more: Partial<FrameHead> = {}): FrameHead => ({
  type,
  flags: 0,
  stream: 1,
  length: 8,
  ...more,
});

/** A guard and a clock; how many of a frame are let through. */
function guardOf({ floods }: GuardModules, limits: Partial<FloodLimits> = {}) {
  const guard = new floods.FloodGuard({ ...floods.defaultFloodLimits, ...limits }, 0);
  let nowMs = 0;
  const received = (frameHead: FrameHead) => guard.onReceived(frameHead, nowMs);
  const sent = (frameHead: FrameHead) => guard.onSent(frameHead, nowMs);
  const countUntil = (reason: FloodReason, send: (index: number) => FloodReason | undefined) => {
    for (let i = 0; i < 100_000; i++) {
      const outcome = send(i);
      if (outcome === undefined) continue;
      expect(outcome).toBe(reason);
      return i;
    }
    return Number.POSITIVE_INFINITY;
  };
  return {
    received,
    sent,
    countUntil,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** Opens a request and resets it. */
const openAndReset =
  ({ received }: ReturnType<typeof guardOf>) =>
  (i: number): FloodReason | undefined =>
    received(head(HEADERS, { stream: i * 2 + 1 })) ??
    received(head(RST_STREAM, { stream: i * 2 + 1 }));

const floodTraps: readonly GuardTrap[] = [
  {
    name: "250 requests that are reset at once are too many; 249 are not",
    run: (modules) => {
      const guard = guardOf(modules);
      expect(guard.countUntil("premature-resets", openAndReset(guard))).toBe(249);
    },
  },
  {
    name: "whoever resets: the server's RST_STREAM counts as the client's",
    run: (modules) => {
      const guard = guardOf(modules);
      const outcome = guard.countUntil(
        "premature-resets",
        (i) =>
          guard.received(head(HEADERS, { stream: i * 2 + 1 })) ??
          guard.sent(head(RST_STREAM, { stream: i * 2 + 1 })),
      );
      expect(outcome).toBe(249);
    },
  },
  {
    name: "a stream that was answered may be reset",
    run: (modules) => {
      const guard = guardOf(modules);
      for (let i = 0; i < 2_000; i++) {
        const stream = i * 2 + 1;
        expect(guard.received(head(HEADERS, { stream }))).toBeUndefined();
        expect(guard.sent(head(HEADERS, { stream }))).toBeUndefined();
        expect(guard.received(head(RST_STREAM, { stream }))).toBeUndefined();
      }
    },
  },
  {
    name: "so may one that is more than a second old",
    run: (modules) => {
      const guard = guardOf(modules);
      for (let i = 0; i < 600; i++) {
        expect(guard.received(head(HEADERS, { stream: i * 2 + 1 }))).toBeUndefined();
        guard.advance(1_001);
        expect(guard.received(head(RST_STREAM, { stream: i * 2 + 1 }))).toBeUndefined();
      }
    },
  },
  {
    name: "among many requests resets may be half of them, and no more",
    run: (modules) => {
      const guard = guardOf(modules);
      let stream = -1;
      for (let i = 0; i < 1_000; i++) {
        stream += 2;
        guard.received(head(HEADERS, { stream }));
        guard.sent(head(HEADERS, { stream }));
      }
      const reset = openAndReset(guard);
      // 1,000 were answered: with as many resets it is half.
      const first = (stream + 1) / 2;
      expect(guard.countUntil("premature-resets", (i) => reset(first + i))).toBe(999);
    },
  },
  {
    name: "trailers open nothing: a stream is counted once",
    run: (modules) => {
      const guard = guardOf(modules);
      guard.received(head(HEADERS));
      guard.sent(head(HEADERS));
      for (let i = 0; i < 1_000; i++) {
        guard.received(head(HEADERS));
        expect(guard.received(head(RST_STREAM))).toBeUndefined();
      }
    },
  },
  {
    name: "one frame without content is let through, two in a row are not",
    run: (modules) => {
      const guard = guardOf(modules);
      for (let i = 0; i < 100; i++) {
        expect(guard.received(head(DATA, { length: 0 }))).toBeUndefined();
        expect(guard.received(head(DATA))).toBeUndefined();
      }
      guard.received(head(DATA, { length: 0 }));
      expect(guard.received(head(CONTINUATION, { length: 0 }))).toBe("empty-frames");
    },
  },
  {
    name: "an empty frame that ends a stream has a meaning",
    run: (modules) => {
      const guard = guardOf(modules);
      for (let i = 0; i < 100; i++) {
        const end = { length: 0, flags: END_STREAM, stream: i * 2 + 1 };
        expect(guard.received(head(DATA, end))).toBeUndefined();
      }
    },
  },
  {
    name: "100 priorities before the first stream, and 100 for each",
    run: (modules) => {
      const before = guardOf(modules);
      expect(before.countUntil("priority-frames", () => before.received(head(PRIORITY)))).toBe(100);
      const after = guardOf(modules);
      after.received(head(HEADERS));
      expect(after.countUntil("priority-frames", () => after.received(head(PRIORITY)))).toBe(200);
    },
  },
  {
    name: "5 windows, 2 for a stream, 20 for each DATA that was sent",
    run: (modules) => {
      const update = (guard: ReturnType<typeof guardOf>) => () =>
        guard.received(head(WINDOW_UPDATE));
      const fresh = guardOf(modules);
      expect(fresh.countUntil("window-updates", update(fresh))).toBe(5);
      const used = guardOf(modules);
      used.received(head(HEADERS));
      used.sent(head(DATA));
      used.sent(head(DATA));
      used.received(head(DATA));
      expect(used.countUntil("window-updates", update(used))).toBe(5 + 2 + 40);
    },
  },
  {
    name: "1,000 control frames, 1,000 more in a second, and never more at once",
    run: (modules) => {
      const guard = guardOf(modules);
      const ping = () => guard.received(head(PING));
      expect(guard.countUntil("control-frames", ping)).toBe(1_000);
      const later = guardOf(modules);
      const pingLater = () => later.received(head(PING));
      for (let i = 0; i < 1_000; i++) expect(pingLater()).toBeUndefined();
      later.advance(500);
      for (let i = 0; i < 500; i++) expect(pingLater()).toBeUndefined();
      later.advance(3_600_000);
      expect(later.countUntil("control-frames", pingLater)).toBe(1_000);
    },
  },
  {
    name: "a PING for each DATA is no flood, sent or received",
    run: (modules) => {
      const guard = guardOf(modules);
      for (let i = 0; i < 20_000; i++) {
        if (i % 2 === 0) guard.sent(head(DATA));
        else guard.received(head(DATA));
        expect(guard.received(head(PING))).toBeUndefined();
      }
    },
  },
  {
    name: "a header section has 8 CONTINUATIONs at most, and the next one 8 again",
    run: (modules) => {
      const guard = guardOf(modules);
      for (let stream = 1; stream < 20; stream += 2) {
        guard.received(head(HEADERS, { stream }));
        for (let i = 0; i < 8; i++) expect(guard.received(head(CONTINUATION))).toBeUndefined();
      }
      expect(guard.received(head(CONTINUATION))).toBe("continuations");
    },
  },
];

function framesIn({ frames }: GuardModules, bytes: Buffer, pieces: number): FrameHead[] {
  const scanner = new frames.FrameScanner(frames.prefaceBytes);
  const seen: FrameHead[] = [];
  for (let at = 0; at < bytes.length; at += pieces) {
    scanner.scan(bytes.subarray(at, at + pieces), (one) => seen.push(one) < 0);
  }
  expect(scanner.isBetween).toBe(true);
  return seen;
}

const request = block([
  [":method", "GET"],
  [":path", "/"],
]);

const scannerTraps: readonly GuardTrap[] = [
  {
    name: "frames are the same in pieces of any size, padding is no content",
    run: (modules) => {
      const bytes = Buffer.concat([
        preface,
        frame("settings", 0, 0, Buffer.alloc(6)),
        frame("headers", END_HEADERS, 0x01020304, request),
        frame("data", 8, 0x7fffffff, Buffer.from([3, 1, 2, 0, 0, 0])),
        frame("data", 8, 1, Buffer.from([2, 0, 0])),
        frame("data", 0, 1, Buffer.alloc(70_000)),
        frame("ping", 8, 0, Buffer.alloc(8)),
        frame("data", END_STREAM, 1),
      ]);
      const expected = [
        head(4, { stream: 0, length: 6 }),
        head(HEADERS, { stream: 0x01020304, flags: END_HEADERS, length: request.length }),
        head(DATA, { stream: 0x7fffffff, flags: 8, length: 2 }),
        head(DATA, { flags: 8, length: 0 }),
        head(DATA, { length: 70_000 }),
        head(PING, { stream: 0, flags: 8, length: 8 }),
        head(DATA, { flags: END_STREAM, length: 0 }),
      ];
      for (const pieces of [1, 2, 3, 7, 9, 10, 11, 33, 1_000, bytes.length]) {
        expect(framesIn(modules, bytes, pieces)).toEqual(expected);
      }
    },
  },
  {
    name: "it stops where it is told to",
    run: ({ frames }) => {
      const scanner = new frames.FrameScanner(0);
      let seen = 0;
      const bytes = Buffer.concat(Array(10).fill(frame("ping", 0, 0, Buffer.alloc(8))));
      expect(scanner.scan(bytes, () => ++seen === 3)).toBe(true);
      expect(seen).toBe(3);
    },
  },
];

const rules = { headersBytesMax: 61_440, headersMax: 100, upgrades: new Set<string>() };

/** How many chunks are let through. */
function chunksUntilRefused({ requests }: GuardModules, chunk: string): number {
  const scanner = new requests.RequestScanner({ ...rules, scheme: "http" });
  const start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  scanner.scan(Buffer.from(start, "latin1"), 0);
  const bytes = Buffer.from(chunk, "latin1");
  for (let i = 0; i < 10_000; i++) {
    const step = scanner.scan(bytes, 0);
    if (step.kind === "refused") {
      expect(step.reason).toBe("chunk-overhead");
      return i;
    }
  }
  return Number.POSITIVE_INFINITY;
}

const requestTraps: readonly GuardTrap[] = [
  {
    name: "chunk extensions: 16 KiB more than the content pays for",
    run: (modules) => {
      // 1,007 bytes of a line and 2 behind the content, less 16, less twice the content.
      expect(chunksUntilRefused(modules, `1;a=${"b".repeat(1_001)}\r\nx\r\n`)).toBe(16);
      const paid = `200;a=${"b".repeat(900)}\r\n${"x".repeat(512)}\r\n`;
      expect(chunksUntilRefused(modules, paid)).toBe(Number.POSITIVE_INFINITY);
      expect(chunksUntilRefused(modules, "1\r\nx\r\n")).toBe(Number.POSITIVE_INFINITY);
    },
  },
  {
    name: "RFC 8441: extended CONNECT is a GET that asks for an upgrade, if that is configured",
    run: ({ fields }) => {
      const connect = [":method", "CONNECT", ":scheme", "http", ":authority", "a", ":path", "/c"];
      const read = (more: string[], upgrades: string[]) =>
        fields.readHttp2Request([...connect, ...more], {
          headersMax: 100,
          upgrades: new Set(upgrades),
        });
      const { head: opened } = read([":protocol", "WebSocket"], ["websocket"]) as { head: unknown };
      expect(opened).toMatchObject({ method: "GET", path: "/c", upgrade: "websocket" });
      expect(read([":protocol", "websocket"], [])).toBe("upgrade");
      expect(read([], ["websocket"])).toBe("connect");
      const withLength = [":protocol", "websocket", "content-length", "3"];
      expect(read(withLength, ["websocket"])).toBe("content-length");
      const get = [":method", "GET", ...connect.slice(2), ":protocol", "websocket"];
      const upgrades = new Set(["websocket"]);
      expect(fields.readHttp2Request(get, { headersMax: 100, upgrades })).toBe("pseudo-field");
    },
  },
];

const bufferTraps: readonly GuardTrap[] = [
  {
    name: "a buffer is full at its limit, and has room again at the half of it, once",
    run: ({ buffers }) => {
      const done: (() => void)[] = [];
      const told: string[] = [];
      const sink = { write: (_chunk: Uint8Array, left: () => void) => done.push(left) > 0 };
      const buffer = new buffers.OutgoingBuffer(100, {
        onLeft: () => void told.push("left"),
        onRoom: () => void told.push("room"),
      });
      const answers = [40, 40, 19, 1, 10].map((bytes) => buffer.write(sink, Buffer.alloc(bytes)));
      expect(answers).toEqual([true, true, true, false, false]);
      for (const left of done.splice(0)) left();
      expect(told).toEqual(["left", "left", "room", "left", "left", "left"]);
      expect(buffer.write(sink, Buffer.alloc(99))).toBe(true);
    },
  },
  {
    name: "a buffer is full of 2,048 chunks as well, however small they are",
    run: ({ buffers }) => {
      const done: (() => void)[] = [];
      const sink = { write: (_chunk: Uint8Array, left: () => void) => done.push(left) > 0 };
      let rooms = 0;
      const onRoom = (): void => void rooms++;
      const buffer = new buffers.OutgoingBuffer(1e6, { onLeft: () => {}, onRoom });
      const byte = Buffer.alloc(1);
      for (let i = 1; i < 2_048; i++) expect(buffer.write(sink, byte)).toBe(true);
      expect(buffer.write(sink, byte)).toBe(false);
      for (const left of done.splice(0, 1_023)) left();
      expect(rooms).toBe(0);
      done.pop()?.();
      expect(rooms).toBe(1);
      expect(buffer.write(sink, byte)).toBe(true);
    },
  },
];

export const guardTraps: readonly GuardTrap[] = [
  ...floodTraps,
  ...scannerTraps,
  ...requestTraps,
  ...bufferTraps,
];
