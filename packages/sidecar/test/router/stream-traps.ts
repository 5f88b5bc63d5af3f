// The two directions of a stream: who is paused and who is let go on, what an early answer stops,
// tunnels, and clients that go away at any moment.
import assert from "node:assert/strict";
import type { FilterFactory } from "../../src/filters/filter-chain.ts";
import type { ResponseSink, ResponseStage } from "../../src/filters/http-filter.ts";
import type { Subject } from "./subject.ts";
import { policy, type TestClient, World } from "./world.ts";

type Traps = Readonly<Record<string, (subject: Subject) => void | Promise<void>>>;

const upload = { method: "POST", body: undefined } as const;
const upgrade = { upgrade: "websocket", body: undefined } as const;

// Holds the first chunk back until the second comes, and says that it takes no more in between.
class OneBehind implements ResponseStage {
  readonly #next: ResponseSink;
  readonly #onReady: () => void;
  #held: Uint8Array | undefined;
  isAborted = false;

  constructor(next: ResponseSink, onReady: () => void) {
    this.#next = next;
    this.#onReady = onReady;
  }

  sendHead: ResponseSink["sendHead"] = (head, end) => this.#next.sendHead(head, end);

  sendData(chunk: Uint8Array, end: boolean): boolean {
    const held = this.#held;
    this.#held = chunk;
    if (held === undefined && !end) return false;
    const both = Buffer.concat([held ?? new Uint8Array(), chunk]);
    this.#held = undefined;
    return this.#next.sendData(both, end);
  }

  sendTrailers: ResponseSink["sendTrailers"] = (fields) => this.#next.sendTrailers(fields);

  onWritable(): boolean {
    return this.#held === undefined;
  }

  /** Takes more, by itself. */
  proceed(): void {
    this.#onReady();
  }

  abort(): void {
    this.isAborted = true;
  }
}

function staged(made: OneBehind[]): FilterFactory {
  return () => ({
    kind: "fault",
    name: "stage",
    onRequest: (request) => {
      request.transform((next, _head, onReady) => {
        const stage = new OneBehind(next, onReady);
        made.push(stage);
        return stage;
      });
      return undefined;
    },
  });
}

export const streamTraps: Traps = {
  "small pieces are put together as long as nobody has sent them, and count for what they cost"({
    body: { RequestBody },
  }) {
    const text = Array.from({ length: 5_000 }, (_, i) => String.fromCharCode(97 + (i % 26)));
    const takeFrom = () => {
      const got: string[] = [];
      const sendData = (chunk: Uint8Array, end: boolean): boolean => {
        got.push(`${Buffer.from(chunk)}${end ? "." : ""}`);
        return true;
      };
      return { got, stream: { sendData } as never };
    };
    const waiting = new RequestBody(65_536);
    for (const [i, letter] of text.entries()) waiting.addData(Buffer.from(letter), i === 4_999);
    const late = takeFrom();
    waiting.read().sendTo(late.stream);
    assert.deepEqual([late.got.length, late.got.join("")], [1, `${text.join("")}.`]);
    assert.equal(waiting.canRewind, true);

    const sent = new RequestBody(65_536);
    const [reader, prompt] = [sent.read(), takeFrom()];
    for (const [i, letter] of text.entries()) {
      sent.addData(Buffer.from(letter), i === 4_999);
      reader.sendTo(prompt.stream);
      assert.equal(sent.canRewind, i < 256, String(i));
    }
    assert.equal(prompt.got.join(""), `${text.join("")}.`);
    assert.equal(sent.bytes, 0);
  },

  "an upstream that takes no more pauses the client, and one that does lets it go on"(subject) {
    const world = new World(subject);
    const client = world.request(upload);
    world.last.isWritable = false;
    client.exchange.onData(Buffer.from("one"), false);
    assert.ok(client.isPaused);
    // What was under way arrives nevertheless, and waits.
    client.exchange.onData(Buffer.from("two"), false);
    assert.equal(world.last.body, "one");
    world.last.drain();
    assert.deepEqual([client.isPaused, world.last.body], [false, "onetwo"]);
    client.exchange.onData(Buffer.from("end"), true);
    world.last.respond(200);
    world.assertSettled();
  },

  "while no connection is there, 64 KiB wait; then the client does"(subject) {
    const world = new World(subject, { behave: () => {} });
    const client = world.request(upload);
    client.exchange.onData(Buffer.alloc(65_535), false);
    assert.equal(client.isPaused, false);
    client.exchange.onData(Buffer.alloc(1), false);
    assert.equal(client.isPaused, true);
    world.last.isWritable = false;
    world.last.connect();
    assert.deepEqual([client.isPaused, world.last.bytes], [true, 65_535]);
    world.last.drain();
    assert.deepEqual([client.isPaused, world.last.bytes], [false, 65_536]);
    client.exchange.onReset("cancelled", "gone");
    world.assertSettled();
  },

  "a client that takes no more pauses upstream"(subject) {
    const world = new World(subject);
    const client = world.request();
    client.isWritable = false;
    world.last.respond(200, [], false);
    world.last.send("one");
    assert.equal(world.last.isPaused, true);
    client.isWritable = true;
    client.exchange.onWritable();
    assert.equal(world.last.isPaused, false);
    world.last.send("two", true);
    assert.equal(client.body, "onetwo");
    world.assertSettled();
  },

  "a stage in the answer's way pauses upstream as well, and lets it go on when all take more"(
    subject,
  ) {
    const made: OneBehind[] = [];
    const filters = [{ name: "stage" } as never];
    const world = new World(subject, { makeFilter: staged(made), http: { filters } });
    const client = world.request();
    world.last.respond(200, [], false);
    world.last.send("one");
    assert.deepEqual([world.last.isPaused, client.body], [true, ""]);
    // The client takes more, the stage does not.
    client.exchange.onWritable();
    assert.equal(world.last.isPaused, true);
    made[0]?.proceed();
    assert.equal(world.last.isPaused, false);
    world.last.send("two", true);
    assert.deepEqual([client.body, client.hasEnded], ["onetwo", true]);
    world.assertSettled();
    const gone = world.request();
    world.last.respond(200, [], false);
    world.last.send("one");
    gone.exchange.onReset("cancelled", "gone");
    assert.deepEqual(
      made.map(({ isAborted }) => isAborted),
      [false, true],
    );
    world.assertSettled();
  },

  "RFC 9113 §8.1: an early answer is the end; what the client still sends goes nowhere"(subject) {
    const world = new World(subject);
    const client = world.request(upload);
    client.exchange.onData(Buffer.from("a beginning"), false);
    world.last.respond(413, [], false);
    world.last.send("too large", true);
    assert.deepEqual([client.status, client.body, client.hasEnded], [413, "too large", true]);
    assert.ok(world.last.resetReason);
    client.exchange.onData(Buffer.from("more"), false);
    assert.equal(world.last.body, "a beginning");
    world.assertSettled();
    // All of the request has come, and not all of it has left.
    const whole = world.request(upload);
    world.last.isWritable = false;
    whole.exchange.onData(Buffer.from("some"), false);
    whole.exchange.onData(Buffer.from("more"), true);
    world.last.respond(413);
    assert.deepEqual([whole.status, world.last.body], [413, "some"]);
    assert.ok(world.last.resetReason);
    world.assertSettled();
  },

  "a tunnel ends when both of its directions have; a refused one is an ordinary answer"(subject) {
    for (const isClientFirst of [true, false]) {
      const world = new World(subject, { action: { timeoutMs: 10, retry: policy() } });
      const client = world.request(upgrade);
      world.last.respond(101, [], false);
      // The route's time is not for tunnels.
      world.clock.advance(1_000);
      client.exchange.onData(Buffer.from("ping"), false);
      world.last.send("pong");
      assert.deepEqual([world.last.body, client.body], ["ping", "pong"]);
      const ends = [
        () => client.exchange.onData(Buffer.from("bye"), true),
        () => world.last.send("see you", true),
      ];
      if (!isClientFirst) ends.reverse();
      ends[0]?.();
      assert.equal(world.numbers.active, 1);
      ends[1]?.();
      assert.deepEqual([world.last.body, client.body], ["pingbye", "pongsee you"]);
      assert.equal(client.info.responseFlags, "");
      world.assertSettled();
    }
    // What the client has said last is not lost behind an upstream that takes it slowly.
    const slow = new World(subject);
    const tunnel = slow.request(upgrade);
    slow.last.respond(101, [], false);
    slow.last.isWritable = false;
    tunnel.exchange.onData(Buffer.from("one"), false);
    tunnel.exchange.onData(Buffer.from("two"), true);
    slow.last.send("enough", true);
    assert.deepEqual([slow.numbers.active, slow.last.resetReason], [1, undefined]);
    slow.last.drain();
    assert.deepEqual([slow.last.body, slow.last.hasEnded], ["onetwo", true]);
    slow.assertSettled();
    const world = new World(subject);
    const refused = world.request(upgrade);
    world.last.respond(403, [], false);
    world.last.send("no", true);
    assert.deepEqual([refused.body, refused.info.responseFlags], ["no", ""]);
    world.assertSettled();
    const unwanted = world.request({ ...upgrade, upgrade: "other" });
    assert.deepEqual([unwanted.status, unwanted.info.responseCodeDetails], [403, "upgrade_failed"]);
    world.assertSettled();
  },

  "a client that goes away leaves nothing behind, in whatever moment"(subject) {
    const moments: Readonly<Record<string, (world: World, client: TestClient) => void>> = {
      "before there is a connection": () => {},
      "while the request is under way": ({ last }, client) => {
        last.connect();
        client.exchange.onData(Buffer.from("some"), false);
      },
      "while upstream thinks": ({ last }, client) => {
        last.connect();
        client.exchange.onData(Buffer.from("all"), true);
      },
      "while a retry waits": ({ last }) => void last.connect().respond(503, [], false),
      "while two are under way": ({ last, clock }, client) => {
        last.connect();
        client.exchange.onData(Buffer.from("all"), true);
        clock.advance(50);
      },
      "within the answer": ({ last }) => {
        last.connect().respond(200, [], false);
        last.send("some");
      },
    };
    const hedge = { onPerTryTimeout: true, initialRequests: 1 };
    const retry = policy({ perTryTimeoutMs: 50, retries: 2 });
    for (const [moment, reach] of Object.entries(moments)) {
      const world = new World(subject, { action: { hedge, retry }, behave: () => {} });
      const client = world.request(upload);
      reach(world, client);
      client.exchange.onReset("cancelled", "the client closed the connection");
      assert.equal(client.info.responseFlags, "DC", moment);
      assert.equal(client.info.responseCodeDetails, "downstream_remote_disconnect", moment);
      assert.equal(client.info.connectionTerminationDetails, "the client closed the connection");
      assert.equal(world.numbers.cancelled, 1);
      for (const attempt of world.attempts) assert.equal(attempt.isLive, false, moment);
      world.clock.advance(1_000);
      world.assertSettled();
    }
  },

  "bytes and durations are those of the client's side"(subject) {
    const world = new World(subject);
    const { info, exchange } = world.request(upload);
    world.clock.advance(10);
    exchange.onData(Buffer.from("four"), true);
    world.clock.advance(20);
    world.last.respond(200, [], false);
    world.last.send("six");
    world.clock.advance(30);
    world.last.send("teen", true);
    const { bytesReceived, bytesSent, requestDurationMs, responseDurationMs, durationMs } = info;
    assert.deepEqual([bytesReceived, bytesSent], [4, 7]);
    assert.deepEqual([requestDurationMs, responseDurationMs, durationMs], [10, 30, 60]);
    assert.equal(info.responseSendDurationMs, 30);
    assert.deepEqual([info.upstreamHost, info.upstreamCluster], ["backend-0:80", "backend"]);
  },
};
