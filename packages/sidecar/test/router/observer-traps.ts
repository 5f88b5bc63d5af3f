// What those who look on are told of attempts: each that has sent a head ends once, with what came
// of it, and before its request does.
import assert from "node:assert/strict";
import type { RequestObserver } from "../../src/router/observer.ts";
import type { Subject } from "./subject.ts";
import { policy, World, type WorldOptions } from "./world.ts";

type Traps = Readonly<Record<string, (subject: Subject) => void>>;

const hedge = { onPerTryTimeout: true, initialRequests: 1 };

/** A world, and what was told in it, an attempt by its number. */
function watch(subject: Subject, options: WorldOptions): { world: World; told: string[] } {
  const told: string[] = [];
  const heads: object[] = [];
  const observer: RequestObserver = {
    onForward: (info, head) => {
      told.push(`${heads.push(head) - 1} to ${info.host?.address}`);
    },
    onAttemptEnd: (_info, head, { status, failure }) => {
      told.push(`${heads.indexOf(head)} ended: ${status} ${failure}`);
    },
    onEnd: () => void told.push("end"),
  };
  return { world: new World(subject, { ...options, observer }), told };
}

export const observerTraps: Traps = {
  "an attempt that is tried again has ended, and the next one is its own"(subject) {
    const { world, told } = watch(subject, {
      action: { retry: policy({ retries: 1 }) },
      behave: (attempt, number) => void attempt.connect().respond(number === 0 ? 503 : 200),
    });
    world.request();
    world.clock.advance(1_000);
    const sent = ["0 to backend-0:80", "1 to backend-0:80"];
    assert.deepEqual(told, [
      sent[0],
      "0 ended: 503 undefined",
      sent[1],
      "1 ended: 200 undefined",
      "end",
    ]);
  },

  "hedging: the slow one ends when the quick one has answered"(subject) {
    const { world, told } = watch(subject, {
      action: { hedge, retry: policy({ perTryTimeoutMs: 50, retries: 1 }) },
    });
    world.request();
    world.clock.advance(50);
    world.last.respond(200, [], false);
    assert.deepEqual(told.splice(0).slice(2), ["0 ended: undefined timed-out"]);
    world.last.send("quick", true);
    assert.deepEqual(told, ["1 ended: 200 undefined", "end"]);
  },

  "each attempt is sent to its own host, although another was chosen since"(subject) {
    const { world, told } = watch(subject, {
      action: { hedge, retry: policy({ perTryTimeoutMs: 50, retries: 1 }) },
      hosts: 3,
      behave: (attempt, number) => void (number === 0 && attempt.connect()),
    });
    world.request();
    world.clock.advance(50);
    // A stream that was refused is repeated, while the second still waits for a connection.
    world.attempts[0]?.break("refused");
    const [, second, third] = world.attempts.map(({ host }) => host);
    assert.notEqual(second, third);
    world.attempts[1]?.connect();
    assert.equal(told.at(-1), `1 to ${second}`);
    world.attempts[2]?.connect().respond(200);
    assert.equal(told.at(-1), "end");
    world.assertSettled();
  },

  "an answer that breaks off has failed; a call that is given up was cancelled"(subject) {
    const { world, told } = watch(subject, {});
    world.request();
    world.last.respond(200, [], false).break("connection-termination");
    assert.deepEqual(told.splice(0).slice(1), ["0 ended: 200 failed", "end"]);
    const client = world.request();
    client.exchange.onReset("cancelled", "gone");
    assert.deepEqual(told.splice(0).slice(1), ["1 ended: undefined cancelled", "end"]);
  },

  "an attempt without a connection has sent nothing, and nothing is told of it"(subject) {
    const { world, told } = watch(subject, { behave: (attempt) => attempt.fail() });
    world.request();
    assert.deepEqual(told, ["end"]);
  },

  "a gRPC call's status is HTTP's, as it was sent"(subject) {
    const { world, told } = watch(subject, {});
    const fields = ["content-type", "application/grpc"];
    world.request({ method: "POST", fields, protocol: "h2" });
    world.last.respond(200, [...fields, "grpc-status", "14"]);
    assert.deepEqual(told.slice(1), ["0 ended: 200 undefined", "end"]);
  },
};
