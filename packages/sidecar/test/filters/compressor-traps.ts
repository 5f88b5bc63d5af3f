// What must hold of compression, as sentences. They are run on the sources, and on copies of them
// with planted bugs.
import assert from "node:assert/strict";
import { constants, gunzipSync } from "node:zlib";
import { Fields } from "../../src/codec/fields.ts";
import type { CompressorConfig } from "../../src/config/filter-config.ts";
import {
  answered,
  noise,
  poolTurn,
  TestClient,
  TestRequest,
  type TestRequestOptions,
} from "./harness.ts";
import type { FilterSubject } from "./subject.ts";

type Trap = (subject: FilterSubject) => void | Promise<void>;

function config(more: Partial<CompressorConfig> = {}): CompressorConfig {
  const contentTypes = ["text/plain", "text/event-stream"];
  return { kind: "compressor", name: "compressor", contentTypes, bytesMin: 30, ...more };
}

const taking: TestRequestOptions = { fields: ["accept-encoding", "gzip"] };
const plain = ["content-type", "text/plain"];

/** A response on its way through a compressor. */
function start(
  subject: FilterSubject,
  fields: string[] = plain,
  { status = 200, request = taking }: { status?: number; request?: TestRequestOptions } = {},
) {
  const filter = new subject.compressor.CompressorFilter(config());
  const asked = new TestRequest(request);
  assert.equal(filter.onRequest(asked), undefined);
  const client = new TestClient();
  const { sink, head, stages } = asked.respond({ status, fields }, client);
  return { filter, sink, head, client, isCompressed: stages === 1 };
}

/** Whether a response is compressed. */
const compresses = (...given: Parameters<typeof start>): boolean => {
  const { isCompressed, client, head } = start(...given);
  for (const stage of client.stages) stage.abort();
  assert.equal(head.fields.has("content-encoding") && isCompressed, isCompressed);
  return isCompressed;
};

/** What a client can read of a body that has not ended. */
const readSoFar = (client: TestClient): string =>
  String(gunzipSync(client.body, { finishFlush: constants.Z_SYNC_FLUSH }));

export const compressorTraps: Readonly<Record<string, Trap>> = {
  "a body comes out of gunzip as it went in": async (subject) => {
    const { filter, sink, head, client } = start(subject, [...plain, "content-length", "80000"]);
    assert.deepEqual(head.fields.flat, [
      ...[...plain, "vary", "accept-encoding"],
      ...["content-encoding", "gzip"],
    ]);
    const chunk = Buffer.from("so it goes, ".repeat(3_000));
    sink.sendData(chunk, false);
    sink.sendData(chunk.subarray(0, 0), false);
    sink.sendData(chunk, true);
    await client.until(() => client.hasEnded);
    assert.deepEqual(gunzipSync(client.body), Buffer.concat([chunk, chunk]));
    assert.ok(client.body.length < chunk.length / 10);
    const { numbers } = filter;
    assert.deepEqual([numbers.responses, numbers.compressed, numbers.active], [1, 1, 0]);
    assert.deepEqual(
      [numbers.totalUncompressedBytes, numbers.totalCompressedBytes],
      [72_000, client.body.length],
    );
  },

  "no empty part has to say that it was the last": async (subject) => {
    const { sink, client } = start(subject);
    sink.sendData(Buffer.from("a body"), true);
    await client.until(() => client.hasEnded);
    assert.ok(client.chunks.every(({ length }) => length > 0));
    assert.equal(String(gunzipSync(client.body)), "a body");
  },

  "a large body that comes in one part leaves whole": async (subject) => {
    const { sink, client } = start(subject);
    const body = noise(100_000);
    sink.sendData(body, true);
    await client.until(() => client.hasEnded);
    assert.ok(gunzipSync(client.body).equals(body));
  },

  "trailers come after all of the body": async (subject) => {
    const { sink, client } = start(subject);
    sink.sendData(Buffer.from("a body"), false);
    sink.sendTrailers(new Fields(["x-checksum", "7"]));
    await client.until(() => client.hasEnded);
    assert.equal(String(gunzipSync(client.body)), "a body");
    assert.equal(client.trailers?.get("x-checksum"), "7");
  },

  "what has been sent can be read, though the response goes on": async (subject) => {
    const { sink, client, filter } = start(subject, ["content-type", "text/event-stream"]);
    let sent = "";
    for (const event of ["data: one\n\n", "data: two\n\n", "data: three\n\n"]) {
      sent += event;
      sink.sendData(Buffer.from(event), false);
      await client.until(() => client.chunks.length > 0 && readSoFar(client) === sent);
    }
    assert.equal(client.hasEnded, false);
    client.stages[0]!.abort();
    assert.equal(filter.numbers.active, 0);
  },

  "a client that does not read stops whoever gives, until it reads again": async (subject) => {
    const { sink, client } = start(subject);
    client.isReading = false;
    const chunk = noise(50_000);
    let given = 0;
    do {
      client.isGiverReady = false;
      given++;
      if (!sink.sendData(chunk, false)) for (let i = 0; i < 20; i++) await poolTurn();
      else client.isGiverReady = true;
      assert.ok(given < 20, "it takes whatever comes");
    } while (client.isGiverReady);
    const { length } = client.chunks;
    for (let i = 0; i < 20; i++) await poolTurn();
    assert.equal(client.chunks.length, length, "a client that does not read is sent more");
    assert.equal(client.isGiverReady, false);
    client.resume();
    await client.until(() => client.isGiverReady);
    sink.sendData(chunk, true);
    await client.until(() => client.hasEnded);
    assert.equal(gunzipSync(client.body).length, (given + 1) * chunk.length);
  },

  "after an abort nothing is sent, and nothing is held": async (subject) => {
    const { sink, client, filter } = start(subject);
    sink.sendData(Buffer.alloc(100_000, "abc"), false);
    client.stages[0]!.abort();
    client.stages[0]!.abort();
    assert.equal(filter.numbers.active, 0);
    const { length } = client.chunks;
    sink.sendData(Buffer.from("late"), false);
    for (let i = 0; i < 20; i++) await poolTurn();
    assert.equal(client.chunks.length, length);
  },

  "only types that are listed, or none": (subject) => {
    assert.ok(compresses(subject, ["content-type", "Text/Plain; charset=utf-8"]));
    assert.ok(compresses(subject, []));
    assert.ok(!compresses(subject, ["content-type", "text/plainer"]));
    assert.ok(!compresses(subject, ["content-type", "image/png"]));
  },

  "nothing shorter than the least length": (subject) => {
    assert.ok(!compresses(subject, [...plain, "content-length", "29"]));
    assert.ok(compresses(subject, [...plain, "content-length", "30"]));
    assert.ok(compresses(subject, plain));
  },

  "nothing that is coded already, a part, or vouched for": (subject) => {
    assert.ok(!compresses(subject, [...plain, "content-encoding", "br"]));
    assert.ok(!compresses(subject, [...plain, "content-range", "bytes 0-9/100"]));
    assert.ok(!compresses(subject, [...plain, "repr-digest", "sha-256=:abc=:"]));
    for (const status of [204, 205, 206, 304]) assert.ok(!compresses(subject, plain, { status }));
    assert.ok(compresses(subject, plain, { status: 404 }));
  },

  "RFC 9111 §5.2: no-transform forbids it, to client and server": (subject) => {
    const says = (value: string): string[] => ["cache-control", value];
    assert.ok(!compresses(subject, [...plain, ...says("no-transform")]));
    assert.ok(!compresses(subject, [...plain, ...says("private , No-Transform, max-age=0")]));
    assert.ok(compresses(subject, [...plain, ...says("x-no-transform")]));
    const request = { fields: [...taking.fields!, ...says("max-age=0,no-transform")] };
    assert.ok(!compresses(subject, plain, { request }));
  },

  "not for HEAD, nor through a tunnel, nor for whoever does not take it": (subject) => {
    assert.ok(!compresses(subject, plain, { request: { ...taking, method: "HEAD" } }));
    assert.ok(!compresses(subject, plain, { request: { ...taking, method: "CONNECT" } }));
    assert.ok(!compresses(subject, plain, { request: { ...taking, upgrade: "websocket" } }));
    assert.ok(!compresses(subject, plain, { request: {} }));
    const fields = ["accept-encoding", "gzip;q=0"];
    assert.ok(!compresses(subject, plain, { request: { fields } }));
    const twice = ["accept-encoding", "br", "accept-encoding", "gzip"];
    assert.ok(compresses(subject, plain, { request: { fields: twice } }));
  },

  "what could be compressed varies, for whoever asks; what could not does not": ({
    compressor,
  }) => {
    const filter = new compressor.CompressorFilter(config());
    const vary = (request: TestRequestOptions, fields: string[]): string[] =>
      answered(filter, request, { fields }).all("vary");
    assert.deepEqual(vary({}, plain), ["accept-encoding"]);
    assert.deepEqual(vary({ method: "HEAD" }, plain), ["accept-encoding"]);
    assert.deepEqual(vary({}, [...plain, "vary", "origin"]), ["origin", "accept-encoding"]);
    assert.deepEqual(vary({}, [...plain, "vary", "Accept-Encoding"]), ["Accept-Encoding"]);
    assert.deepEqual(vary(taking, ["content-type", "image/png"]), []);
  },

  "RFC 9110 §8.8.1: a strong ETag becomes a weak one, and ranges are not offered": (subject) => {
    const { head, client } = start(subject, [...plain, "etag", '"a"', "accept-ranges", "bytes"]);
    assert.equal(head.fields.get("etag"), 'W/"a"');
    assert.equal(head.fields.has("accept-ranges"), false);
    client.stages[0]!.abort();
    const weak = start(subject, [...plain, "etag", 'W/"a"']);
    assert.equal(weak.head.fields.get("etag"), 'W/"a"');
    weak.client.stages[0]!.abort();
    const as = start(subject, [...plain, "etag", '"a"'], { request: {} });
    assert.equal(as.head.fields.get("etag"), '"a"');
  },

  "no more at a time than are allowed; what is beyond is sent as it is": ({ compressor }) => {
    const filter = new compressor.CompressorFilter(config(), 1);
    const begin = (): TestClient => {
      const request = new TestRequest(taking);
      filter.onRequest(request);
      const client = new TestClient();
      request.respond({ fields: [...plain] }, client);
      return client;
    };
    const first = begin();
    const second = begin();
    assert.deepEqual([first.stages.length, second.stages.length], [1, 0]);
    assert.equal(second.head?.fields.has("content-encoding"), false);
    assert.equal(second.head?.fields.get("vary"), "accept-encoding");
    assert.deepEqual([filter.numbers.active, filter.numbers.overflow], [1, 1]);
    first.stages[0]!.abort();
    const third = begin();
    assert.equal(third.stages.length, 1);
    third.stages[0]!.abort();
  },

  "RFC 9110 §12.5.3: what Accept-Encoding says": ({ acceptEncoding }) => {
    const { acceptsGzip } = acceptEncoding;
    const yes = [
      "gzip",
      "GZIP",
      "x-gzip",
      "*",
      "br, gzip;q=0.001",
      "gzip ; Q=1.000",
      "deflate,*;q=.5,*",
    ];
    for (const value of yes) assert.ok(acceptsGzip(value), value);
    const no = [
      "",
      "br",
      "gzip;q=0",
      "gzip;q=0.000, *",
      "identity",
      "*;q=0",
      "gzipped",
      "gzip;q=2",
    ];
    for (const value of no) assert.ok(!acceptsGzip(value), value);
    assert.ok(!acceptsGzip(undefined));
    assert.ok(!acceptsGzip("gzip;q=0.5, identity;q=0.6"));
    assert.ok(acceptsGzip("gzip;q=0.5, identity;q=0.5"));
    assert.ok(acceptsGzip("identity;q=0, *;q=0.1"));
    assert.ok(!acceptsGzip("gzip;q=0.2, *;q=0.9"));
  },
};
