// Random histories: requests that come together, policies, hedges and mirrors, an upstream that
// answers, breaks, refuses, takes no more or says nothing, clients that go away. Whatever happens,
// each request ends once, with one answer; a body that arrives arrives whole; what was taken from a
// breaker is given back; and no policy is overstepped.
import assert from "node:assert/strict";
import { type Random, SeededRandom } from "@compendium/runtime";
import type { ForwardAction } from "../../src/config/route-config.ts";
import type { UpstreamSide } from "./peers.ts";
import type { Subject } from "./subject.ts";
import { policy, type TestClient, World } from "./world.ts";

const oneOf = <T>(random: Random, values: readonly T[]): T => {
  return values[random.below(values.length)] as T;
};

function actionOf(random: Random): Partial<Omit<ForwardAction, "kind">> {
  const times = [0, 30, 100, 400] as const;
  const mirror = { cluster: "mirror", fraction: 500_000, keepsAuthority: false };
  return {
    timeoutMs: oneOf(random, [0, 200, 1_000]),
    idleTimeoutMs: oneOf(random, [undefined, 300]),
    hedge: { onPerTryTimeout: random.below(2) === 1, initialRequests: 1 },
    mirrors: random.below(3) === 0 ? [mirror] : [],
    retry: policy({
      on: new Set(["5xx", "reset", "connect-failure"]),
      retries: random.below(4),
      perTryTimeoutMs: oneOf(random, times),
      perTryIdleTimeoutMs: oneOf(random, times),
      retryAfterMsMax: oneOf(random, [0, 2_000]),
    }),
  };
}

/** What becomes of one attempt, moment by moment. */
function behaviour(random: Random, world: () => World): (attempt: UpstreamSide) => void {
  const later = (then: () => void): void => {
    const { clock } = world();
    clock.setTimer(clock.now() + random.below(80), then);
  };
  const reasons = ["refused", "connection-failure", "cancelled", "protocol-error"] as const;
  const respond = (attempt: UpstreamSide): void => {
    const fields = random.below(4) === 0 ? ["retry-after", "1"] : [];
    attempt.respond(oneOf(random, [200, 200, 503, 500, 429]), fields, random.below(2) === 0);
    later(() => {
      if (random.below(5) === 0) attempt.break("connection-termination");
      else attempt.send("more");
      if (random.below(4) > 0) later(() => attempt.send("end", true));
    });
  };
  const connected = (attempt: UpstreamSide): void => {
    attempt.isWritable = random.below(3) > 0;
    attempt.connect(random.below(3) === 0);
    later(() => attempt.drain());
    const fate = random.below(8);
    if (fate === 0) return;
    if (fate === 1) later(() => attempt.break(oneOf(random, reasons)));
    else later(() => respond(attempt));
  };
  return (attempt) => {
    const fate = random.below(8);
    if (fate === 0) later(() => attempt.fail("connect-failure"));
    else if (fate === 1) later(() => attempt.fail("overflow"));
    else if (fate < 5) connected(attempt);
    else later(() => connected(attempt));
  };
}

/** One history; throws where a promise is broken. */
export function checkHistory(subject: Subject, seed: number): void {
  const random = new SeededRandom(seed);
  const action = actionOf(random);
  const retryBudget = random.below(2) === 0 ? undefined : { percent: 20, retriesMin: 1 };
  const breakers = { retriesMax: random.below(4), requestsMax: 4 + random.below(8), retryBudget };
  let made: World | undefined;
  const behave = behaviour(random, () => made!);
  const world = new World(subject, { action, breakers, hosts: 3, behave, random });
  made = world;
  const clients = Array.from({ length: 12 }, (_, i) => arrive(world, random, i));
  for (let i = 0; i < 400; i++) world.clock.advance(10);
  // Whoever is still there has neither a timeout nor an upstream that says anything.
  for (const client of clients) {
    if (!client.hasEnded) client.exchange.onReset("cancelled", "the end of the history");
  }
  for (let i = 0; i < 100 && world.clock.pendingTimers > 0; i++) world.clock.advance(10_000);
  world.assertSettled();
  for (const client of clients) assertOneEnd(client, action);
  for (const { head, hasEnded, bytes } of world.attempts) {
    const client = clients[Number(head?.fields.get("x-number"))];
    if (hasEnded) assert.equal(bytes, client?.info.bytesReceived, "half a body");
  }
}

function arrive(world: World, random: Random, number: number): TestClient {
  const { clock } = world;
  const hasBody = random.below(2) === 0;
  const client = world.request({
    method: hasBody ? "POST" : "GET",
    body: hasBody ? undefined : "",
    fields: ["x-number", String(number)],
  });
  const isOpen = (): boolean => !client.hasEnded && client.resetReason === undefined;
  let isGone = false;
  for (let i = random.below(3); hasBody && i >= 0; i--) {
    const chunk = Buffer.alloc(oneOf(random, [10, 1_000, 60_000]));
    clock.setTimer(clock.now() + 50 * (3 - i), () => {
      if (isOpen() && !isGone) client.exchange.onData(chunk, i === 0);
    });
  }
  if (random.below(6) === 0) {
    clock.setTimer(clock.now() + random.below(300), () => {
      isGone = true;
      if (isOpen()) client.exchange.onReset("cancelled", "gone");
    });
  }
  return client;
}

function assertOneEnd(client: TestClient, { retry }: ReturnType<typeof actionOf>): void {
  const { info } = client;
  assert.ok(info.durationMs !== undefined);
  // The first one, the retries of the policy, and one repetition that nobody can notice.
  assert.ok(info.upstreamAttempts <= 1 + (retry?.retries ?? 0) + 1);
  const wasCut = client.resetReason !== undefined || info.responseFlags.includes("DC");
  assert.ok(client.hasEnded || wasCut, "neither an end nor a reset");
}
