// What every server edge must do, whatever framework it is for: one suite, run on each of them.
import { connect } from "node:net";
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  type BulkheadPolicy,
  bulkhead,
  type Call,
  circuitBreaker,
  type Pipeline,
  type Policy,
  pipeline,
  ResilienceError,
  retry,
} from "@compendium/resilience";
import { afterEach, describe, expect, test } from "vitest";
import { gate, type TestServer, until } from "./servers.ts";

/** Answers "/" with what it returns; may take its time, and look at its call. */
export type TestHandler = (call: Call) => string | Promise<string>;

/** Options that the suite sets, known to every edge. */
export interface TestOptions {
  deadlineInMs?: number;
  deadlineInMsMax?: number;
  deadlineHeader?: string | false;
}

/** Starts a server of some framework, with a handler inside a pipeline. */
export type MakeServer = (
  policies: Pipeline,
  handler: TestHandler,
  options?: TestOptions,
) => Promise<TestServer>;

const DEADLINE = "x-envoy-expected-rq-timeout-ms";
const refusing = (error: Error): Policy => ({ kind: "custom", run: () => Promise.reject(error) });

// One server at a time, and what was fetched from it.
class Rig {
  readonly #make: MakeServer;
  readonly #fetched: Response[] = [];
  #server: TestServer | undefined;

  constructor(make: MakeServer) {
    this.#make = make;
  }

  get url(): string {
    return this.#server?.url ?? "";
  }

  async start(policies: Pipeline, handler: TestHandler, options?: TestOptions): Promise<void> {
    this.#server = await this.#make(policies, handler, options);
  }

  async get(headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(this.url, { headers: { connection: "close", ...headers } });
    this.#fetched.push(response);
    return response;
  }

  // Hangs, and so fails, if a socket is left.
  async stop(): Promise<void> {
    await Promise.all(this.#fetched.splice(0).map((each) => each.bodyUsed || each.arrayBuffer()));
    await this.#server?.drained();
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }
}

/** Runs the contract on one edge. */
export function describeServerEdge(name: string, make: MakeServer): void {
  describe(name, () => {
    const rig = new Rig(make);
    afterEach(() => rig.stop());
    describeAnswers(rig);
    describeDeadlines(rig);
    describeClients(rig);
  });
}

function describeAnswers(rig: Rig): void {
  test("a handler answers within its call", async () => {
    await rig.start(pipeline(), (call) => `left ${call.remainingMs()}`);
    const response = await rig.get();
    expect([response.status, await response.text()]).toEqual([200, "left Infinity"]);
  });

  test.each([
    [new ResilienceError("RATE_LIMITED", "too many", 1_200), 429, "2"],
    [new ResilienceError("SHED", "too late to help"), 503, "1"],
    [new ResilienceError("BULKHEAD_FULL", "full"), 503, "1"],
    [new ResilienceError("TIMEOUT", "too slow"), 504, null],
  ])("refuses with %s as status %i, Retry-After %s", async (error, status, retryAfter) => {
    await rig.start(pipeline(refusing(error)), () => "never");
    const response = await rig.get();
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe(retryAfter);
    expect(await response.json()).toMatchObject({ code: error.code });
  });

  test("an open breaker is 503, with Retry-After in whole seconds", async () => {
    const breaker = new CircuitBreaker({
      consecutiveFailures: 1,
      openForMs: 4_500,
      openJitter: 0,
    });
    await rig.start(pipeline(circuitBreaker(breaker)), () => {
      throw new Error("broken");
    });
    expect((await rig.get()).status).toBe(500);
    const response = await rig.get();
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
  });

  test("a refusal that the handler lets through is answered as one", async () => {
    await rig.start(pipeline(), () => {
      throw new ResilienceError("SHED", "further down", 7_000);
    });
    const response = await rig.get();
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "7"]);
  });

  test("places are free again after answers, refusals and failures", async () => {
    const places = bulkhead({ concurrencyMax: 1 });
    let requests = 0;
    await rig.start(pipeline(places), () => {
      if (++requests % 2 === 0) throw new Error("broken");
      return "fine";
    });
    for (let i = 0; i < 4; i++) expect((await rig.get()).status).toBe(i % 2 === 0 ? 200 : 500);
    await until(() => idle(places));
  });

  test("a pipeline that would answer twice is refused", async () => {
    await expect(async () => await rig.start(pipeline(retry()), () => "")).rejects.toThrow(
      /retry cannot work in a .*: a server answers a request once/,
    );
    const wrong = { deadlineInMs: 0 };
    await expect(async () => await rig.start(pipeline(), () => "", wrong)).rejects.toThrow(
      "deadlineInMs must be a number above 0, got 0",
    );
  });
}

function describeDeadlines(rig: Rig): void {
  test("the client's deadline is the call's; an unreadable one counts as absent", async () => {
    await rig.start(pipeline(), ({ deadlineMs, clock }) => String(deadlineMs - clock.now()));
    const leftMs = Number(await (await rig.get({ [DEADLINE]: "60000" })).text());
    expect(leftMs).toBeGreaterThan(1_000);
    expect(leftMs).toBeLessThanOrEqual(60_000);
    expect(await (await rig.get({ [DEADLINE]: "-5 s" })).text()).toBe("Infinity");
  });

  test("a deadline of the server's own: by default, and at most", async () => {
    const options = { deadlineInMs: 1_000, deadlineInMsMax: 2_000 };
    await rig.start(pipeline(), (call) => String(Math.round(call.remainingMs() / 1_000)), options);
    expect(await (await rig.get()).text()).toBe("1");
    expect(await (await rig.get({ [DEADLINE]: "3600000" })).text()).toBe("2");
  });

  test("work past its deadline is answered 504, and keeps its place until it ends", async () => {
    const places = bulkhead({ concurrencyMax: 1 });
    const { opened, open } = gate();
    const reasons: unknown[] = [];
    await rig.start(pipeline(places), async (call) => {
      call.onAbort((reason) => reasons.push((reason as ResilienceError).code));
      await opened;
      return "late";
    });
    const response = await rig.get({ [DEADLINE]: "20" });
    expect([response.status, reasons]).toEqual([504, ["DEADLINE_EXCEEDED"]]);
    expect(places.stats().running).toBe(1);
    open();
    await until(() => places.stats().running === 0);
  });

  test("work that waited past its deadline is not started", async () => {
    const places = bulkhead({ concurrencyMax: 1, queue: { lengthMax: 1 } });
    const { opened, open } = gate<string>();
    let started = 0;
    await rig.start(pipeline(places), () => {
      started++;
      return opened;
    });
    const first = rig.get();
    await until(() => started === 1);
    expect((await rig.get({ [DEADLINE]: "20" })).status).toBe(504);
    open("done");
    expect(await (await first).text()).toBe("done");
    await until(() => idle(places));
    expect(started).toBe(1);
  });
}

function describeClients(rig: Rig): void {
  test("a client that goes away aborts the call; the place is free when work ends", async () => {
    const places = bulkhead({ concurrencyMax: 1 });
    const { opened: aborted, open: abort } = gate<unknown>();
    const { opened: running, open: run } = gate();
    await rig.start(pipeline(places), (call) => {
      run();
      return new Promise((_, reject) => {
        call.signal.addEventListener("abort", () => {
          abort(call.reason);
          reject(call.reason);
        });
      });
    });
    const { port } = new URL(rig.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await running;
    socket.destroy();
    expect(await aborted).toMatchObject({ code: "CLIENT_GONE" });
    await until(() => idle(places));
  });

  test("a client that goes away leaves the queue; its work is never started", async () => {
    const places = bulkhead({ concurrencyMax: 1, queue: { lengthMax: 1 } });
    const { opened, open } = gate<string>();
    let started = 0;
    await rig.start(pipeline(places), () => {
      started++;
      return opened;
    });
    const first = rig.get();
    await until(() => started === 1);
    const { port } = new URL(rig.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await until(() => places.stats().waiting === 1);
    socket.resetAndDestroy();
    await until(() => places.stats().waiting === 0);
    open("done");
    await first;
    await until(() => idle(places));
    expect(started).toBe(1);
  });
}

const idle = (places: BulkheadPolicy) =>
  places.stats().running === 0 && places.stats().waiting === 0;
