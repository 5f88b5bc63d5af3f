// The times of a request: where each begins, what is told to upstream of it, and that none is
// overstepped, not by a millisecond.
import assert from "node:assert/strict";
import { Fields } from "../../src/codec/fields.ts";
import type { FilterFactory } from "../../src/filters/filter-chain.ts";
import type { Subject } from "./subject.ts";
import { policy, type RequestOptions, type TestClient, World } from "./world.ts";

type Traps = Readonly<Record<string, (subject: Subject) => void | Promise<void>>>;

const EXPECTED = "x-envoy-expected-rq-timeout-ms";

const call = (timeout?: string, more: Partial<RequestOptions> = {}): RequestOptions => {
  const wish = timeout === undefined ? [] : ["grpc-timeout", timeout];
  const fields = ["content-type", "application/grpc", ...wish];
  return { method: "POST", protocol: "h2", body: "message", ...more, fields };
};

const told = (world: World): (string | undefined)[] => {
  const fields = world.last.head?.fields;
  return [fields?.get(EXPECTED), fields?.get("grpc-timeout")];
};

const waitFor =
  (ms: number): FilterFactory =>
  () => ({
    kind: "fault",
    name: "waits",
    onRequest: ({ info: { clock } }) => ({
      kind: "wait",
      start: (resume) => clock.setTimer(clock.now() + ms, () => resume(undefined)),
    }),
  });

/** When the client hears of the end. */
function endOf(world: World, client: TestClient, withinMs: number): number {
  const beganAtMs = world.clock.now();
  for (let ms = 0; ms <= withinMs; ms++) {
    if (client.hasEnded || client.resetReason !== undefined) return world.clock.now() - beganAtMs;
    world.clock.advance(1);
  }
  return Number.POSITIVE_INFINITY;
}

export const timeTraps: Traps = {
  "the route's time runs from the request's end, and upstream is told what it has"(subject) {
    const world = new World(subject, { action: { timeoutMs: 1_000 } });
    const client = world.request({ method: "POST", body: undefined });
    assert.deepEqual(told(world), ["1000", undefined]);
    world.clock.advance(5_000);
    client.exchange.onData(Buffer.from("end"), true);
    assert.equal(endOf(world, client, 2_000), 1_000);
    assert.deepEqual([client.status, world.last.resetReason], [504, "local"]);
    world.assertSettled();
  },

  "a caller's grpc-timeout holds from the head on, streaming or not, within the route's bound"(
    subject,
  ) {
    const rows: [string | undefined, number, number, string][] = [
      ["200m", 1_000, 200, "200m"],
      ["1S", 400, 400, "400m"],
      ["1S", 0, 1_000, "1000m"],
      ["1500u", 1_000, 2, "2m"],
      ["0S", 1_000, 1, "1m"],
      // Not said, or not in gRPC's form.
      [undefined, 300, 300, "300m"],
      ["soon", 300, 300, "300m"],
      ["123456789S", 300, 300, "300m"],
    ];
    for (const [wish, grpcTimeoutMsMax, ms, said] of rows) {
      const world = new World(subject, { action: { timeoutMs: 50, grpcTimeoutMsMax } });
      const client = world.request(call(wish));
      assert.deepEqual(told(world), [String(ms), said], wish ?? "none");
      assert.equal(endOf(world, client, 2_000), ms, wish ?? "none");
      assert.equal(client.head?.fields.get("grpc-status"), "4");
      world.assertSettled();
    }
    const world = new World(subject, { action: { timeoutMs: 50, grpcTimeoutMsMax: 0 } });
    const streaming = world.request(call("200m", { body: undefined }));
    world.last.respond(200, ["content-type", "application/grpc"], false);
    world.clock.advance(199);
    streaming.exchange.onData(Buffer.from("more"), false);
    assert.equal(endOf(world, streaming, 500), 1);
    assert.deepEqual([streaming.resetReason, streaming.info.responseFlags], ["overload", "UT"]);
    world.assertSettled();
  },

  "grpc-timeout has six units, and at most eight digits"({ deadline }) {
    const said = (value: string) => deadline.grpcTimeoutMs(new Fields(["grpc-timeout", value]));
    const units = ["2H", "3M", "4S", "5m", "6u", "7000000n"].map(said);
    assert.deepEqual(units, [7_200_000, 180_000, 4_000, 5, 1, 7]);
    assert.equal(said("99999999H"), 99_999_999 * 3_600_000);
    for (const wrong of ["", "5", "m", "-5m", "1.5S", " 5m", "5 m", "5s", "123456789m"]) {
      assert.equal(said(wrong), undefined, wrong);
    }
    // What is sent on has at most eight digits as well.
    const sent = [1e8 - 1, 1e8, 1e11 - 1, 1e11].map((ms) => {
      const head = { fields: new Fields(["content-type", "application/grpc"]) };
      deadline.addDeadline({ ...head, method: "POST" } as never, ms, { grpcTimeoutMsMax: 0 });
      return head.fields.get("grpc-timeout");
    });
    assert.deepEqual(sent, ["99999999m", "100000S", "99999999S", "27777H"]);
  },

  "where the route does not look at it, the caller's grpc-timeout is passed on as it is"(subject) {
    const world = new World(subject, { action: { timeoutMs: 15_000 } });
    world.request(call("1S"));
    assert.deepEqual(told(world), ["15000", "1S"]);
    const plain = new World(subject, { action: { timeoutMs: 10, grpcTimeoutMsMax: 500 } });
    plain.request({ fields: ["grpc-timeout", "200m"] });
    assert.deepEqual(told(plain), ["10", "200m"]);
    const endless = new World(subject);
    endless.request(call());
    assert.deepEqual(told(endless), [undefined, undefined]);
  },

  "a second attempt is told what is left; no attempt more than a try has, unless it is hedged"(
    subject,
  ) {
    const retry = policy({ retries: 3, perTryTimeoutMs: 300, backoff: { baseMs: 1, maxMs: 1 } });
    const action = { grpcTimeoutMsMax: 0, retry };
    const world = new World(subject, { action });
    const client = world.request(call("1000m"));
    const said: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      said.push(told(world));
      world.clock.advance(250);
      world.last.respond(503);
    }
    const left = ["300", "300", "300", "250"];
    assert.deepEqual(
      said,
      left.map((ms) => [ms, `${ms}m`]),
    );
    assert.deepEqual([client.status, client.info.durationMs], [200, 1_000]);
    world.assertSettled();

    const hedge = { onPerTryTimeout: true, initialRequests: 1 };
    const hedged = new World(subject, { action: { ...action, hedge } });
    hedged.request(call("1000m"));
    assert.deepEqual(told(hedged), ["1000", "1000m"]);
    const trial = new World(subject, { action: { retry } });
    trial.request();
    assert.deepEqual(told(trial), ["300", undefined]);
  },

  "filters that wait spend the caller's time, and not the route's"(subject) {
    const makeFilter = waitFor(70);
    const filters = [{ name: "waits" } as never];
    const own = new World(subject, { action: { timeoutMs: 100 }, makeFilter, http: { filters } });
    const client = own.request();
    own.clock.advance(70);
    assert.deepEqual(told(own), ["100", undefined]);
    assert.equal(endOf(own, client, 500), 100);
    own.assertSettled();

    const action = { grpcTimeoutMsMax: 0 };
    const theirs = new World(subject, { action, makeFilter, http: { filters } });
    const waiting = theirs.request(call("100m"));
    theirs.clock.advance(70);
    assert.deepEqual(told(theirs), ["30", "30m"]);
    assert.equal(endOf(theirs, waiting, 500), 30);
    theirs.assertSettled();
  },

  "silence: the route's bound takes the place of the manager's, 0 is none, and a byte is a byte"(
    subject,
  ) {
    const { timers } = new World(subject).http;
    const http = { timers: { ...timers, streamIdleTimeoutMs: 100 } };
    for (const [idleTimeoutMs, expected] of [
      [undefined, 100],
      [50, 50],
      [200, 200],
      [0, Number.POSITIVE_INFINITY],
    ] as const) {
      const world = new World(subject, { http, action: { idleTimeoutMs } });
      const client = world.request();
      // The codec's own bound never comes first.
      assert.ok(client.silenceMs > expected || expected === Number.POSITIVE_INFINITY);
      assert.equal(endOf(world, client, 1_000), expected);
      assert.equal(world.numbers.idleTimeouts, expected < 1_000 ? 1 : 0);
    }
    const world = new World(subject, { http });
    const uploading = world.request({ method: "POST", body: undefined });
    for (let i = 0; i < 5; i++) {
      world.clock.advance(99);
      uploading.exchange.onData(Buffer.from("a"), false);
    }
    assert.equal(endOf(world, uploading, 500), 100);
    // The client has not sent all: it is the client that is late.
    assert.deepEqual([uploading.status, uploading.info.responseFlags], [408, "SI"]);
    const reading = world.request();
    world.last.respond(200, [], false);
    for (let i = 0; i < 5; i++) {
      world.clock.advance(99);
      world.last.send("a");
    }
    assert.equal(endOf(world, reading, 500), 100);
    assert.deepEqual([reading.body, reading.resetReason], ["aaaaa", "overload"]);
    world.assertSettled();
  },

  "request_timeout is for the request to arrive, max_stream_duration for all of it"(subject) {
    const { timers } = new World(subject).http;
    const slow = new World(subject, { http: { timers: { ...timers, requestTimeoutMs: 60 } } });
    const client = slow.request({ method: "POST", body: undefined });
    assert.equal(endOf(slow, client, 500), 60);
    assert.deepEqual(
      [client.status, client.info.responseCodeDetails],
      [408, "request_overall_timeout"],
    );
    const whole = slow.request({ method: "POST", body: "in time" });
    assert.equal(endOf(slow, whole, 500), Number.POSITIVE_INFINITY);
    slow.last.respond(200);
    slow.assertSettled();

    const long = new World(subject, { http: { timers: { ...timers, streamLifetimeMs: 60 } } });
    const asked = long.request();
    assert.equal(endOf(long, asked, 500), 60);
    assert.deepEqual([asked.status, asked.info.responseFlags], [504, "DT"]);
    const half = long.request({ method: "POST", body: undefined });
    assert.equal(endOf(long, half, 500), 60);
    assert.equal(half.status, 408);
    long.assertSettled();
  },
};
