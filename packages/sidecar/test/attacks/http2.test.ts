// Floods of HTTP/2 frames. Each is sent until the proxy says GOAWAY(ENHANCE_YOUR_CALM), by an
// attacker who does not stop for that; the numbers say that it was the bound, and which one.
import { expect, test } from "vitest";
import { defaultFloodLimits, type FloodReason } from "../../src/codec/rules/http2-floods.ts";
import {
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  framesOf,
  preface,
  type SeenFrame,
  words,
} from "../ambiguity/http2-frames.ts";
import { Attacker, besideVictims, type Scene, startScene, turns, until } from "./scene.ts";

const ENHANCE_YOUR_CALM = 11;
const framesMax = 200_000;

class Http2Attacker extends Attacker {
  constructor(port: number) {
    super(port);
    this.socket.write(Buffer.concat([preface, frame("settings", 0, 0)]));
  }

  get frames(): SeenFrame[] {
    return framesOf(this.received);
  }

  get goawayCode(): number | undefined {
    const goaway = this.frames.findLast(({ type }) => type === "goaway");
    return goaway?.payload.readUInt32BE(4);
  }
}

const request = (stream: number, path = "/hold", flags = END_HEADERS | END_STREAM): Buffer =>
  frame(
    "headers",
    flags,
    stream,
    block([
      [":method", "GET"],
      [":scheme", "http"],
      [":authority", "a.example"],
      [":path", path],
    ]),
  );

/** Sends until it is cut off, a batch at a time; how many it has sent. */
async function flood(
  attacker: Http2Attacker,
  make: (index: number) => Buffer,
  batch: number,
): Promise<number> {
  let sent = 0;
  while (!attacker.hasEnded && !attacker.isClosed && sent < framesMax) {
    const parts = Array.from({ length: batch }, (_, i) => make(sent + i));
    await attacker.write(Buffer.concat(parts));
    sent += batch;
  }
  return sent;
}

/** Cut off at once, told why, counted, and gone after a second at the latest. */
async function expectCutOff(
  scene: Scene,
  attacker: Http2Attacker,
  reason: FloodReason,
): Promise<void> {
  await until(() => attacker.hasEnded || attacker.isClosed);
  expect(scene.stats().floods).toMatchObject({ [reason]: 1 });
  expect(attacker.goawayCode).toBe(ENHANCE_YOUR_CALM);
  scene.clock.advance(1_000);
  await until(() => scene.stats().timeouts.linger === 1);
}

interface FrameFlood {
  readonly name: string;
  readonly reason: FloodReason;
  /** Sent once, before the flood. */
  readonly first?: Buffer;
  readonly make: (index: number) => Buffer;
  /** Frames that are let through, behind the SETTINGS that a client begins with. */
  readonly max: number;
}

const {
  continuationsMax,
  controlFramesPerSecondMax,
  emptyFramesMax,
  prematureResetStreams,
  priorityFramesPerStreamMax,
} = defaultFloodLimits;

const floods: readonly FrameFlood[] = [
  {
    name: "CVE-2023-44487, rapid reset: requests that are reset at once",
    reason: "premature-resets",
    make: (i) => Buffer.concat([request(i * 2 + 1), frame("rstStream", 0, i * 2 + 1, words(8))]),
    max: prematureResetStreams / 2 - 1,
  },
  {
    name: "CVE-2025-8671, MadeYouReset: requests that the server resets, for a trailer",
    reason: "premature-resets",
    make: (i) => {
      const trailers = block([["content-range", "bytes 0-1/2"]]);
      const end = frame("headers", END_HEADERS | END_STREAM, i * 2 + 1, trailers);
      return Buffer.concat([request(i * 2 + 1, "/hold", END_HEADERS), end]);
    },
    max: prematureResetStreams / 2 - 1,
  },
  {
    name: "CVE-2024-27316: a header section that does not end",
    reason: "continuations",
    first: request(1, "/hold", END_STREAM),
    make: () => frame("continuation", 0, 1, block([["x-more", "a".repeat(100)]])),
    max: continuationsMax,
  },
  {
    name: "CVE-2019-9515: SETTINGS, each of which must be answered",
    reason: "control-frames",
    make: () => frame("settings", 0, 0),
    max: controlFramesPerSecondMax - 1,
  },
  {
    name: "CVE-2019-9512: PING, each of which must be answered",
    reason: "control-frames",
    make: () => frame("ping", 0, 0, Buffer.alloc(8)),
    max: controlFramesPerSecondMax - 1,
  },
  {
    name: "frames of a type that nobody knows (RFC 9113 §5.5: they are passed over)",
    reason: "control-frames",
    make: () => Buffer.concat([Buffer.from([0, 0, 0, 0xbe, 0, 0, 0, 0, 0])]),
    max: controlFramesPerSecondMax - 1,
  },
  {
    name: "CVE-2019-9518: DATA without content",
    reason: "empty-frames",
    first: request(1, "/hold", END_HEADERS),
    make: () => frame("data", 0, 1),
    max: emptyFramesMax,
  },
  {
    name: "CVE-2019-9518: DATA that is nothing but padding",
    reason: "empty-frames",
    first: request(1, "/hold", END_HEADERS),
    make: () => frame("data", 8, 1, Buffer.alloc(11, 10)),
    max: emptyFramesMax,
  },
  {
    name: "CVE-2019-9513: PRIORITY, again and again",
    reason: "priority-frames",
    make: (i) => frame("priority", 0, 1, Buffer.from([0, 0, 0, 3 + 2 * (i % 2), 16])),
    max: priorityFramesPerStreamMax,
  },
  {
    name: "CVE-2019-9511: WINDOW_UPDATE of a byte",
    reason: "window-updates",
    make: () => frame("windowUpdate", 0, 0, words(1)),
    max: 5,
  },
];

test.each(floods)("$name", async ({ reason, first, make, max }) => {
  await using scene = await startScene();
  await besideVictims(scene, async () => {
    using attacker = new Http2Attacker(scene.proxy.port);
    if (first) await attacker.write(first);
    await flood(attacker, make, 500);
    await expectCutOff(scene, attacker, reason);
  });
  // Nothing of what came behind the bound has begun: only so much work was ever done.
  expect(scene.begun()).toBeLessThan(prematureResetStreams + 1_000);

  // As many as are allowed, and no more, are let through.
  using modest = new Http2Attacker(scene.proxy.port);
  if (first) await modest.write(first);
  for (let i = 0; i < max; i++) await modest.write(make(i));
  await turns(20);
  expect(scene.stats().floods).toMatchObject({ [reason]: 1 });
  await modest.write(make(max));
  await until(() => modest.hasEnded || modest.isClosed);
  expect(scene.stats().floods).toMatchObject({ [reason]: 2 });
});

test("an attacker who is slower than the bounds is let be: resets after a second, a PING now and then", async () => {
  await using scene = await startScene();
  using client = new Http2Attacker(scene.proxy.port);
  for (let i = 0; i < 600; i++) {
    const stream = i * 2 + 1;
    await client.write(request(stream));
    await until(() => scene.begun() === i + 1);
    scene.clock.advance(1_001);
    await client.write(frame("rstStream", 0, stream, words(8)));
    for (let ping = 0; ping < 10; ping++) await client.write(frame("ping", 0, 0, Buffer.alloc(8)));
  }
  await turns(10);
  expect(client.hasEnded).toBe(false);
  expect(Object.values(scene.stats().floods)).toEqual([0, 0, 0, 0, 0, 0]);
});

test("RFC 9113 §5.4.1: after the cut nothing that comes is read, and nobody waits longer than a second", async () => {
  await using scene = await startScene();
  using attacker = new Http2Attacker(scene.proxy.port);
  await attacker.write(Buffer.concat(Array(2_000).fill(frame("ping", 0, 0, Buffer.alloc(8)))));
  await until(() => attacker.hasEnded);
  // It goes on without a pause, and does not close.
  const before = scene.begun();
  await attacker.write(request(1, "/victim"));
  await turns(20);
  expect(scene.begun()).toBe(before);
  scene.clock.advance(999);
  await turns(5);
  expect(scene.connections()).toBe(1);
  scene.clock.advance(1);
  await until(() => scene.connections() === 0);
  expect(scene.stats().timeouts.linger).toBe(1);
});

test("HPACK bomb: a table entry that is named a thousand times is a header section too large", async () => {
  await using scene = await startScene();
  const big = Buffer.from("x".repeat(4_000));
  // A literal with incremental indexing (RFC 7541 §6.2.1), then references to it (62 is the
  // newest).
  const entry = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0xa1, 0x1e]), big]);
  const bomb = Buffer.concat([entry, Buffer.alloc(12_000, 0x80 | 62)]);
  const head = block([
    [":method", "GET"],
    [":scheme", "http"],
    [":authority", "a.example"],
    [":path", "/hold"],
  ]);
  await besideVictims(scene, async () => {
    using attacker = new Http2Attacker(scene.proxy.port);
    // 48 MB of fields out of 16 KB each, 300 times over: each is reset before it is a request, and
    // by the 250th the connection is gone.
    await flood(
      attacker,
      (i) => {
        const section = i === 0 ? bomb : Buffer.alloc(12_000, 0x80 | 62);
        return frame(
          "headers",
          END_HEADERS | END_STREAM,
          i * 2 + 1,
          Buffer.concat([head, section]),
        );
      },
      1,
    );
    await expectCutOff(scene, attacker, "premature-resets");
  });
});

test("more fields than are allowed are refused, not counted as a flood", async () => {
  await using scene = await startScene();
  using attacker = new Http2Attacker(scene.proxy.port);
  const fields = Array.from({ length: 150 }, (_, i) => [`x-${i}`, "1"] as const);
  const section = block([
    [":method", "GET"],
    [":scheme", "http"],
    [":authority", "a.example"],
    [":path", "/victim"],
    ...fields,
  ]);
  await attacker.write(frame("headers", END_HEADERS | END_STREAM, 1, section));
  await until(() => attacker.frames.some(({ stream }) => stream === 1));
  expect(scene.begun()).toBe(0);
  expect(scene.stats().refused["fields-too-many"]).toBe(1);
  expect(attacker.hasEnded).toBe(false);
});

test("CVE-2019-9517, a zero window: large responses wait in a bounded place, and are reset in the end", async () => {
  const bufferBytesMax = 64 * 1024;
  await using scene = await startScene({ http: httpWith({ bufferBytesMax }) });
  using attacker = new Http2Attacker(scene.proxy.port);
  await besideVictims(scene, async () => {
    const noWindow = frame("settings", 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
    await attacker.write(noWindow);
    for (let i = 0; i < 20; i++) await attacker.write(request(i * 2 + 1, "/large"));
    await stillness(scene);
    // 20 pairs of the kernel's buffers on the way, and ours: upstream does not write for ever.
    expect(scene.written()).toBeLessThan(20 * 16_000_000);
  });
  scene.clock.advance(300_000);
  await until(() => attacker.frames.filter(({ type }) => type === "rstStream").length === 20);
  expect(scene.idleTimeouts()).toBe(20);
});

test("a client that takes no bytes at all, not even a GOAWAY, is cut off in the end", async () => {
  await using scene = await startScene();
  using attacker = new Http2Attacker(scene.proxy.port);
  await besideVictims(scene, async () => {
    attacker.socket.pause();
    // A window as large as there is: the socket alone holds the proxy back.
    await attacker.write(frame("settings", 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff])));
    await attacker.write(frame("windowUpdate", 0, 0, words(0x7fff0000)));
    for (let i = 0; i < 4; i++) await attacker.write(request(i * 2 + 1, "/large"));
    await stillness(scene);
  });
  scene.clock.advance(300_000);
  await until(() => scene.stats().timeouts.write === 1);
  await until(() => scene.connections() === 0);
});

/** Until upstream has written nothing for a while. */
async function stillness(scene: Scene): Promise<void> {
  let before = -1;
  for (let still = 0; still < 100; still = before === scene.written() ? still + 1 : 0) {
    before = scene.written();
    await turns(2);
  }
}

function httpWith(limits: { readonly bufferBytesMax: number }) {
  return {
    limits: {
      headersBytesMax: 61_440,
      headersMax: 100,
      concurrentStreamsMax: 100,
      requestsPerConnectionMax: 0,
      ...limits,
    },
  };
}
