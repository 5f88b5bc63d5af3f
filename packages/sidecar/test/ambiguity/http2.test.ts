// Shapes of HTTP/2 requests, frame by frame, through the proxy to an upstream of HTTP/1.1 that
// takes everything: what is not refused must be the same request to each careless reader.
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningProxy, startProxy } from "../proxy/harness.ts";
import {
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  framesOf,
  preface,
  statusOf,
} from "./http2-frames.ts";
import { type NaiveUpstream, read, readers, startNaiveUpstream } from "./naive-upstream.ts";
import { type Http2Shape, http2Shapes } from "./shapes/http2.ts";

let upstream: NaiveUpstream;
let proxy: RunningProxy;

beforeAll(async () => {
  upstream = await startNaiveUpstream();
  proxy = await startProxy({
    upstreamPorts: [upstream.port],
    cluster: { requestsPerConnectionMax: 1 },
  });
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const frameBytesMax = 16_384;

function bytesOf({ fields, data = [], trailers }: Http2Shape): Buffer {
  const frames = [preface, frame("settings", 0, 0)];
  const section = block(fields);
  const hasMore = data.length > 0 || trailers !== undefined;
  for (let at = 0; at < section.length; at += frameBytesMax) {
    const isLast = at + frameBytesMax >= section.length;
    const flags = (isLast ? END_HEADERS : 0) | (at === 0 && !hasMore ? END_STREAM : 0);
    const piece = section.subarray(at, at + frameBytesMax);
    frames.push(frame(at === 0 ? "headers" : "continuation", flags, 1, piece));
  }
  for (const [i, chunk] of data.entries()) {
    const ends = i === data.length - 1 && trailers === undefined;
    frames.push(frame("data", ends ? END_STREAM : 0, 1, Buffer.from(chunk)));
  }
  if (trailers) frames.push(frame("headers", END_HEADERS | END_STREAM, 1, block(trailers)));
  return Buffer.concat(frames);
}

const known = ["connection", "host", "via", "x-forwarded-for", "x-forwarded-proto"];

/** A status, or "reset". */
function send(shape: Http2Shape): Promise<number | "reset"> {
  return new Promise((resolve, reject) => {
    const socket = connect(proxy.port, "127.0.0.1");
    let got = Buffer.alloc(0);
    const finish = (outcome: number | "reset"): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.on("error", reject);
    socket.on("close", () => finish("reset"));
    socket.on("data", (chunk) => {
      got = Buffer.concat([got, chunk]);
      for (const seen of framesOf(got)) {
        if (seen.type === "goaway") return finish("reset");
        if (seen.stream !== 1) continue;
        if (seen.type === "headers") return finish(statusOf(seen));
        if (seen.type === "rstStream") return finish("reset");
      }
    });
    socket.write(bytesOf(shape));
  });
}

test.each(http2Shapes)("$section: $name", async (shape) => {
  // Nothing may come late of the shape before.
  expect(upstream.news()).toEqual([]);
  const outcome = await send(shape);
  const isDropped = shape.expect === "dropped" && outcome === 200;
  const isForwarded = typeof shape.expect === "object" || isDropped;
  if (isForwarded) expect(outcome).toBe(200);
  // node and nghttp2 reset what they find first; whoever gets a status gets the right one.
  else if (outcome !== "reset") expect(outcome).toBe(shape.expect === "reset" ? 400 : shape.expect);
  const seen = upstream.news();
  while (!isForwarded && !seen.every(({ isClosed }) => isClosed)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const reader of readers) {
    const requests = seen.flatMap(({ bytes }) => read(bytes, reader).requests);
    expect(requests.length, reader.name).toBe(isForwarded ? 1 : 0);
    const [request] = requests;
    if (request === undefined) continue;
    // Nothing of the field that was dropped, not even a part.
    if (isDropped) expect([...request.fields.keys()].sort()).toEqual(known);
    if (typeof shape.expect !== "object") continue;
    expect(request).toMatchObject({ ...shape.expect, body: (shape.data ?? []).join("") });
    expect(request.fields.has("te"), reader.name).toBe(false);
  }
});

test("the rules that refused are counted", () => {
  const { refused } = proxy.codec.stats();
  for (const reason of [
    "host-mismatch",
    "method",
    "connect",
    "target",
    "fields-too-many",
  ] as const) {
    expect(refused[reason], reason).toBeGreaterThan(0);
  }
});
