// How upstream is called: again, beside each other, and not for ever; and that whatever was taken
// is given back, however it ends.
import assert from "node:assert/strict";
import type { UpstreamSide } from "./peers.ts";
import type { Subject } from "./subject.ts";
import { policy, World } from "./world.ts";

type Traps = Readonly<Record<string, (subject: Subject) => void | Promise<void>>>;

const hedge = { onPerTryTimeout: true, initialRequests: 1 };
const grpc = ["content-type", "application/grpc", "te", "trailers"];
const any = new Set(["5xx", "reset", "connect-failure"] as const);

const answering =
  (...statuses: readonly number[]) =>
  (attempt: UpstreamSide, number: number): void => {
    attempt.connect().respond(statuses[number] ?? 200);
  };

// Failures of the pool come on a later turn.
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const callTraps: Traps = {
  "interim answers have room for as much as a head, and no more"(subject) {
    const world = new World(subject);
    const client = world.request();
    // With 32 for itself each is 1,032 long.
    for (let i = 0; i < 59; i++) world.last.inform(103, ["link", "x".repeat(996)]);
    assert.deepEqual([client.head, client.informational.length], [undefined, 59]);
    world.last.inform(103, ["link", "x".repeat(996)]);
    assert.deepEqual([client.head?.status, client.informational.length], [502, 59]);
    assert.equal(world.last.resetReason, "overload");
    world.assertSettled();
    // A word now and then costs nothing to speak of.
    const patient = new World(subject);
    const waiting = patient.request();
    for (let i = 0; i < 1_900; i++) patient.last.inform(102);
    patient.last.respond(200);
    assert.deepEqual([waiting.head?.status, waiting.informational.length], [200, 1_900]);
  },

  "503, then 200: the client sees the second, after a pause, and the log both"(subject) {
    const world = new World(subject, {
      action: { retry: policy({ retries: 2 }) },
      behave: answering(503),
    });
    const client = world.request();
    assert.equal(client.status, undefined);
    assert.equal(world.cluster.breakers.default.active("retries"), 1);
    world.clock.advance(25);
    assert.equal(client.status, 200);
    assert.equal(client.info.upstreamAttempts, 2);
    assert.equal(client.info.responseFlags, "");
    assert.equal(client.info.responseCodeDetails, "via_upstream");
    const { retries, retriesSucceeded, retriesRefused, retriesExhausted } = world.calls;
    assert.deepEqual([retries, retriesSucceeded, retriesRefused, retriesExhausted], [1, 1, 0, 0]);
    world.assertSettled();
  },

  "retries that are used up leave the last answer, and URX"(subject) {
    const world = new World(subject, {
      action: { retry: policy({ retries: 2 }) },
      behave: (attempt) =>
        void attempt.connect().respond(503, ["x-number", `${world.attempts.length}`]),
    });
    const client = world.request();
    world.clock.advance(1_000);
    assert.equal(client.head?.fields.get("x-number"), "3");
    assert.equal(client.info.responseFlags, "URX");
    assert.equal(world.calls.retriesExhausted, 1);
    world.assertSettled();
  },

  "a breaker at its limit leaves the answer, and UO"(subject) {
    const world = new World(subject, {
      action: { retry: policy() },
      breakers: { retriesMax: 0 },
      behave: answering(503),
    });
    const client = world.request();
    assert.deepEqual([client.status, client.info.responseFlags], [503, "UO"]);
    assert.equal(world.calls.retriesRefused, 1);
    world.assertSettled();
  },

  async "of two hosts one refuses: the other is asked (previous_hosts)"(subject) {
    const world = new World(subject, {
      hosts: 2,
      action: { retry: policy({ on: any, retries: 1, hostSelectionAttempts: 50 }) },
      cluster: { balancer: { kind: "random" } },
      behave: (attempt) => {
        if (attempt.host === "backend-0:80") queueMicrotask(() => attempt.fail());
        else attempt.connect().respond(200);
      },
    });
    for (let i = 0; i < 8; i++) {
      const client = world.request();
      await turn();
      world.clock.advance(25);
      assert.equal(client.status, 200);
    }
    const served = world.attempts.filter(({ host }) => host === "backend-1:80");
    assert.equal(served.length, 8);
    world.assertSettled();
  },

  async "without a policy the failure is told: 503, UF, and why"(subject) {
    const world = new World(subject, {
      behave: (attempt) => queueMicrotask(() => attempt.fail("connect-timeout")),
    });
    const client = world.request();
    await turn();
    assert.deepEqual([client.status, client.info.responseFlags], [503, "UF"]);
    const details = "upstream_reset_before_response_started{connection_timeout}";
    assert.equal(client.info.responseCodeDetails, details);
    assert.equal(client.info.upstreamTransportFailure, "as the test wants it");
    world.assertSettled();
  },

  "the body goes out again as it was, trailers too; a larger one than is kept is sent once"(
    subject,
  ) {
    const world = new World(subject, { action: { retry: policy() } });
    const client = world.request({ method: "POST", body: undefined });
    client.exchange.onData(Buffer.from("one "), false);
    client.exchange.onData(Buffer.from("two"), false);
    world.last.respond(503, [], false);
    world.clock.advance(25);
    assert.equal(world.attempts[0]?.resetReason !== undefined, true);
    client.exchange.onTrailers(
      new (Object.getPrototypeOf(world.last.head!.fields).constructor)(["a", "b"]),
    );
    assert.deepEqual([world.last.body, world.last.trailers?.get("a")], ["one two", "b"]);
    world.last.respond(200);
    assert.equal(client.status, 200);

    const large = world.request({ method: "POST", body: undefined });
    large.exchange.onData(Buffer.alloc(65_536), false);
    large.exchange.onData(Buffer.alloc(1), true);
    world.last.respond(503);
    assert.deepEqual([large.status, world.attempts.length], [503, 3]);
    world.assertSettled();
  },

  "a body that grows beyond what is kept while a retry waits still goes out whole"(subject) {
    const world = new World(subject, { action: { retry: policy() } });
    const client = world.request({ method: "POST", body: undefined });
    world.last.respond(503, [], false);
    client.exchange.onData(Buffer.alloc(65_536), false);
    assert.ok(client.isPaused);
    client.exchange.onData(Buffer.alloc(10), true);
    world.clock.advance(25);
    assert.deepEqual([world.last.bytes, world.last.hasEnded], [65_546, true]);
    world.last.respond(200);
    world.assertSettled();
  },

  "a mirror that is further on does not take the beginning away from a retry that waits"(subject) {
    const mirrors = [{ cluster: "mirror", fraction: 1_000_000, keepsAuthority: false }];
    // The longest pause there is.
    const random = { below: (n: number) => n - 1 } as never;
    const world = new World(subject, { action: { mirrors, retry: policy() }, random });
    const client = world.request({ method: "POST", body: undefined });
    const [copy] = world.attempts;
    client.exchange.onData(Buffer.alloc(60_000), false);
    world.last.respond(503, [], false);
    client.exchange.onData(Buffer.alloc(60_000), false);
    world.clock.advance(25);
    client.exchange.onData(Buffer.alloc(1_000), true);
    assert.deepEqual([world.last.bytes, world.last.hasEnded], [121_000, true]);
    assert.deepEqual([copy?.bytes, copy?.hasEnded], [121_000, true]);
    world.last.respond(200);
    copy?.respond(200);
    world.assertSettled();
  },

  "a used connection that closes without a word: once more on a fresh one, if that means the same"(
    subject,
  ) {
    const world = new World(subject, { behave: (attempt) => void attempt.connect(true) });
    const client = world.request({ method: "PUT", body: "once" });
    world.last.break("connection-failure");
    assert.deepEqual([world.last.isFresh, world.last.body], [true, "once"]);
    world.last.break("connection-failure");
    assert.deepEqual([client.status, client.info.responseFlags], [503, "UC"]);
    const post = world.request({ method: "POST", body: "once" });
    world.last.break("connection-failure");
    assert.deepEqual([post.status, world.attempts.length, world.calls.repeated], [503, 3, 1]);
    // Nor can what is not there any more be sent again.
    const large = world.request({ method: "PUT", body: undefined });
    large.exchange.onData(Buffer.alloc(65_537), true);
    world.last.break("connection-failure");
    assert.deepEqual([large.status, world.attempts.length], [503, 4]);
    // RFC 9113 §8.7: what was refused was not touched.
    const refused = world.request({ method: "POST", body: "twice" });
    world.last.break("refused");
    world.last.respond(200);
    assert.deepEqual([refused.status, world.last.body, world.calls.repeated], [200, "twice", 2]);
    world.assertSettled();
  },

  "per_try_timeout runs from the request's end to the answer's head; the host is told"(subject) {
    const world = new World(subject, {
      action: { retry: policy({ perTryTimeoutMs: 50 }) },
      cluster: { balancer: { kind: "round-robin" } },
    });
    const client = world.request({ method: "POST", body: undefined });
    world.clock.advance(10_000);
    client.exchange.onData(Buffer.from("late"), true);
    world.clock.advance(49);
    assert.equal(world.attempts.length, 1);
    world.clock.advance(1);
    assert.equal(world.last.resetReason, "local");
    world.clock.advance(25);
    assert.equal(world.last.body, "late");
    world.last.respond(200, [], false);
    world.clock.advance(1_000);
    world.last.send("whole", true);
    assert.equal(client.body, "whole");
    assert.equal([...world.cluster.hosts.hosts()][0]?.numbers.failures, 1);

    const failing = world.request();
    world.clock.advance(50);
    world.clock.advance(75);
    assert.deepEqual([failing.status, failing.info.responseFlags], [504, "URX,UT"]);
    assert.equal(failing.info.responseCodeDetails, "upstream_per_try_timeout");
    world.assertSettled();
  },

  "per_try_idle_timeout is about silence, before and within the answer"(subject) {
    const world = new World(subject, {
      action: { retry: policy({ perTryIdleTimeoutMs: 50, retries: 0 }) },
    });
    const silent = world.request();
    world.clock.advance(49);
    world.last.inform(103);
    world.clock.advance(49);
    assert.equal(silent.status, undefined);
    world.clock.advance(1);
    assert.deepEqual([silent.status, silent.informational], [504, [103]]);
    assert.equal(silent.info.responseCodeDetails, "upstream_per_try_idle_timeout");
    const cut = world.request();
    world.last.respond(200, [], false);
    for (let i = 0; i < 3; i++) {
      world.clock.advance(49);
      world.last.send("a");
    }
    world.clock.advance(50);
    assert.deepEqual([cut.body, cut.hasEnded, cut.resetReason], ["aaa", false, "overload"]);
    assert.equal(cut.info.responseFlags, "UT");
    world.assertSettled();
  },

  "hedging: another runs beside the late one, the first good answer wins, the other is called off"(
    subject,
  ) {
    const world = new World(subject, {
      action: { hedge, retry: policy({ perTryTimeoutMs: 50, retries: 1 }) },
    });
    const client = world.request({ method: "POST", body: "both" });
    world.clock.advance(50);
    const [first, second] = world.attempts;
    assert.deepEqual([first?.isLive, second?.body, world.calls.hedges], [true, "both", 1]);
    // A bad answer is no answer while another may come.
    second?.respond(503);
    assert.equal(client.status, undefined);
    first?.respond(200, [], false);
    first?.send("first", true);
    assert.deepEqual([client.status, client.body], [200, "first"]);
    world.assertSettled();

    const other = world.request();
    world.clock.advance(50);
    const [, , slow, quick] = world.attempts;
    quick?.respond(200, [], false);
    assert.equal(slow?.resetReason, "cancelled");
    quick?.send("quick", true);
    assert.equal(other.body, "quick");
    // Nobody heard from the slow one in its time: its host is told, although it was not its end.
    assert.equal([...world.cluster.hosts.hosts()][0]?.numbers.failures, 2);
    world.assertSettled();
  },

  "hedging: all of them fail, and the client is told once"(subject) {
    const world = new World(subject, {
      action: { hedge, retry: policy({ on: any, perTryTimeoutMs: 50, retries: 1 }) },
    });
    const client = world.request();
    world.clock.advance(50);
    const [first, second] = world.attempts;
    second?.break("connection-failure");
    assert.equal(client.status, undefined);
    first?.break("connection-failure");
    assert.deepEqual([client.status, client.info.responseFlags], [503, "URX,UC"]);
    world.assertSettled();
  },

  "a gRPC call that is UNAVAILABLE is tried again; its host is told what it said"(subject) {
    const on = new Set(["unavailable"] as const);
    const world = new World(subject, { action: { retry: policy({ on }) } });
    const client = world.request({ method: "POST", fields: grpc, body: "message", protocol: "h2" });
    world.last.respond(200, ["content-type", "application/grpc", "grpc-status", "14"]);
    assert.equal([...world.cluster.hosts.hosts()][0]?.numbers.failures, 1);
    world.clock.advance(25);
    world.last.respond(200, ["content-type", "application/grpc"], false);
    world.last.send("answer");
    world.last.sendLast(["grpc-status", "0"]);
    assert.deepEqual([client.body, client.trailers?.get("grpc-status")], ["answer", "0"]);
    assert.equal([...world.cluster.hosts.hosts()][0]?.numbers.failures, 1);
    world.assertSettled();
  },

  "a retry that waits is called off with its request: by the client, by the deadline"(subject) {
    const world = new World(subject, {
      action: { timeoutMs: 100, retry: policy({ backoff: { baseMs: 1_000, maxMs: 1_000 } }) },
      behave: answering(503, 503, 503),
      random: { below: (n: number) => n - 1 } as never,
    });
    const gone = world.request();
    gone.exchange.onReset("cancelled", "gone");
    assert.equal(gone.info.responseFlags, "DC");
    world.assertSettled();
    const late = world.request();
    world.clock.advance(100);
    assert.deepEqual([late.status, late.info.responseFlags], [504, "UT"]);
    world.assertSettled();
    assert.equal(world.attempts.length, 2);
  },

  async "a retry that finds no host gives back what it took"(subject) {
    const world = new World(subject, { action: { retry: policy({ on: any }) } });
    const client = world.request();
    world.last.break("connection-failure");
    world.cluster.update([]);
    world.clock.advance(25);
    assert.deepEqual([client.status, client.info.responseFlags], [503, "UH"]);
    await turn();
    world.assertSettled();
  },
};
