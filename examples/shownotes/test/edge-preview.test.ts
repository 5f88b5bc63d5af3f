// The hop from the edge to the preview service, in virtual time.
import { ManualClock } from "@compendium/runtime";
import { beforeEach, describe, expect, test } from "vitest";
import { type Preview, PreviewClient } from "../src/edge-preview.ts";
import { planArrivals } from "../src/load.ts";
import { type Scenario, scenario } from "../src/scenario.ts";
import { x4Scenario } from "../src/x4-scenario.ts";
import { simulate } from "./simulated-edge.ts";
import { previewsOn } from "./simulated-x4.ts";

interface ClientState {
  protection: boolean;
  hedging: boolean;
  breaker: { state: string; inFlight: number; counts: Record<string, number> };
  hedge: { hedges: number; wonByHedge: number; delayMs: number | undefined };
  timeout: { timedOut: number };
  bulkhead: { running: number; refused: number };
  bareLinks: number;
  transitions: { to: string; wallMs: number }[];
}

const hangingMs = 60_000;
const title = (link: string): Preview => ({ url: link, title: `A page about ${link}` });
const bare = (link: string): Preview => ({ url: link, title: link });

let clock: ManualClock;
let delaysMs: number[];
let service: ReturnType<typeof previewsOn>;
let client: PreviewClient;

// Usually 10 ms, unless a test says how long the next calls take.
function create(breaker: Partial<Scenario["breaker"]> = {}): PreviewClient {
  return new PreviewClient(
    service.ask,
    { breaker: { ...scenario.breaker, ...breaker }, client: x4Scenario.client },
    clock,
  );
}

beforeEach(() => {
  clock = new ManualClock();
  delaysMs = [];
  service = previewsOn(clock, () => delaysMs.shift() ?? 10);
  client = create();
});

const state = () => client.state() as ClientState;

function get(link: string, signal = new AbortController().signal) {
  const got: { preview?: Preview; tookMs?: number; error?: unknown } = {};
  const askedAt = clock.now();
  client.get(link, signal).then(
    (preview) => Object.assign(got, { preview, tookMs: clock.now() - askedAt }),
    (error: unknown) => Object.assign(got, { error }),
  );
  return got;
}

// So many quick calls, one after another, that the hedge knows what is usual.
async function measure() {
  for (let i = 0; i < x4Scenario.client.hedge.minimumCalls; i++) {
    get("quick");
    await clock.advanceAsync(11);
  }
}

describe("a straggler", () => {
  test("is overtaken by a second call, given up, and no slow call to the breaker", async () => {
    await measure();
    delaysMs = [hangingMs];
    const got = get("a");
    await clock.advanceAsync(100);
    expect(got.preview).toEqual(title("a"));
    // The percentile, up to a tick on the wheel, and a quick call.
    expect(got.tookMs).toBeLessThanOrEqual(10.4 + 8 + 10);
    expect(service.seen).toEqual({ calls: 102, abandoned: 1 });
    expect(state()).toMatchObject({
      hedge: { hedges: 1, wonByHedge: 1 },
      breaker: { inFlight: 0, counts: { success: 101, slow: 0, cancelled: 0 } },
      bulkhead: { running: 0 },
      bareLinks: 0,
    });
  });

  test("is waited for where hedging is off, or too few calls are known", async () => {
    delaysMs = [300];
    const first = get("a");
    await clock.advanceAsync(300);
    expect(first.tookMs).toBe(300);
    await measure();
    client.hedge(false);
    delaysMs = [300];
    const second = get("a");
    await clock.advanceAsync(300);
    expect(second.tookMs).toBe(300);
    expect(state()).toMatchObject({ hedging: false, hedge: { hedges: 0 } });
  });

  test("what was measured outlives the switches", async () => {
    await measure();
    client.hedge(false);
    client.protect(false);
    client.protect(true);
    client.hedge(true);
    delaysMs = [hangingMs];
    const got = get("a");
    await clock.advanceAsync(100);
    expect(got.preview).toEqual(title("a"));
  });
});

describe("the bulkhead", () => {
  test("counts every attempt; a hedge that finds it full fails alone", async () => {
    client = create({ inFlightMax: 1 });
    await measure();
    delaysMs = [300];
    const got = get("a");
    await clock.advanceAsync(300);
    expect(got).toEqual({ preview: title("a"), tookMs: 300 });
    expect(state()).toMatchObject({ hedge: { hedges: 1 }, bulkhead: { running: 0, refused: 1 } });
  });

  test("full, it answers with a bare link at once, and the breaker stays closed", async () => {
    client = create({ inFlightMax: 1 });
    delaysMs = [100];
    get("a");
    const refused = Array.from({ length: 30 }, (_, i) => get(`${i}`));
    await clock.advanceAsync(0);
    expect(refused.map(({ preview }) => preview)).toEqual(refused.map((_, i) => bare(`${i}`)));
    expect(state()).toMatchObject({ breaker: { state: "closed" }, bareLinks: 30 });
    await clock.advanceAsync(100);
  });
});

test("each attempt is given up after its time; then it is a bare link, and a failure", async () => {
  delaysMs = [hangingMs];
  const got = get("a");
  await clock.advanceAsync(x4Scenario.client.timeoutMs + 16);
  expect(got.preview).toEqual(bare("a"));
  expect(service.seen).toEqual({ calls: 1, abandoned: 1 });
  expect(state()).toMatchObject({ timeout: { timedOut: 1 }, breaker: { counts: { failure: 1 } } });
});

test("without protection a call may take for ever, and all of them at once", async () => {
  client.protect(false);
  delaysMs = Array.from({ length: 60 }, () => hangingMs);
  const all = Array.from({ length: 60 }, (_, i) => get(`${i}`));
  await clock.advanceAsync(hangingMs);
  expect(all.map(({ preview }) => preview)).toEqual(all.map((_, i) => title(`${i}`)));
  expect(state()).toMatchObject({ protection: false, timeout: { timedOut: 0 } });
});

test("a caller who leaves ends every attempt, in the same turn", async () => {
  await measure();
  delaysMs = [hangingMs, hangingMs];
  const leaving = new AbortController();
  const got = get("a", leaving.signal);
  await clock.advanceAsync(30);
  expect(state()).toMatchObject({ bulkhead: { running: 2 } });
  leaving.abort(new Error("gone"));
  expect(service.seen.abandoned).toBe(2);
  await clock.advanceAsync(0);
  expect(got.error).toEqual(new Error("gone"));
  expect(state()).toMatchObject({ bulkhead: { running: 0 }, breaker: { inFlight: 0 } });
});

// X1 was worked out, and is simulated, for a breaker alone. What stands around it now must not
// change what it does: the timeout strikes when the breaker has long decided, and the warm-up is
// too short for a hedge to know what is usual.
test.each([1, 2, 3])("X1 goes as with a breaker alone, seed %i", async (seed) => {
  const { phasesMs, preview } = scenario;
  const { warmUp, fault, recovery } = phasesMs;
  const seeded = { ...scenario, load: { ...scenario.load, seed } };
  const isBroken = () => clock.now() >= warmUp && clock.now() < warmUp + fault;
  let faultCalls = 0;
  service = previewsOn(clock, () => {
    if (!isBroken()) return preview.delayMs;
    faultCalls++;
    return preview.faultDelayMs;
  });
  client = create();
  const plan = planArrivals({ ...seeded.load, durationMs: warmUp + fault + recovery });
  for (const { dueMs, route } of plan) {
    await clock.advanceToAsync(dueMs);
    if (route === "preview") get("a");
  }
  await clock.advanceAsync(2 * preview.faultDelayMs);
  const alone = simulate(seeded, true);
  const transitions = state().transitions.map(({ to, wallMs }) => ({
    to,
    atMs: Math.round(wallMs - performance.timeOrigin - warmUp),
  }));
  expect(transitions).toEqual(
    alone.transitions.map(({ to, atMs }) => ({ to, atMs: Math.round(atMs) })),
  );
  expect(faultCalls).toBe(alone.previewCalls);
  expect(state()).toMatchObject({ hedge: { hedges: 0 }, bulkhead: { refused: 0 } });
});
