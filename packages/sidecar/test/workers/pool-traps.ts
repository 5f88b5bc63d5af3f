// What a pool of workers must do, with processes that do what a test says, and a clock that is
// turned by hand.
import { EventEmitter } from "node:events";
import { ManualClock } from "@compendium/runtime";
import { expect } from "vitest";
import { Logger } from "../../src/observe/logger.ts";
import type { Reading } from "../../src/observe/readings.ts";
import type { CallMessage, WorkerMessage } from "../../src/workers/messages.ts";
import type { WorkersError } from "../../src/workers/workers-error.ts";

export interface PoolModules {
  readonly pool: typeof import("../../src/workers/worker-pool.ts");
  readonly handle: typeof import("../../src/workers/worker-handle.ts");
  readonly totals: typeof import("../../src/workers/totals.ts");
  readonly readings: typeof import("../../src/observe/readings.ts");
}

type Answer = (kind: string, call: CallMessage["call"]) => string | undefined;

/** A process that answers every call at once, unless it is told what else to do. */
class FakeProcess extends EventEmitter {
  readonly pid: number;
  readonly calls: string[] = [];
  /** "silent", "refuse", "die", or `undefined` for an answer. */
  does: Answer = () => undefined;
  isEnded = false;

  constructor(pid: number) {
    super();
    this.pid = pid;
  }

  send(message: unknown, onSent?: (error: Error | null) => void): boolean {
    const { id, call } = message as CallMessage;
    this.calls.push(call.kind === "prepare" ? `prepare ${call.text}` : call.kind);
    if (this.isEnded) onSent?.(new Error("the channel is closed"));
    else queueMicrotask(() => this.#answer(id, call));
    return true;
  }

  kill(): boolean {
    this.end(null, "SIGKILL");
    return true;
  }

  end(code: number | null, signal: string | null = null): void {
    if (this.isEnded) return;
    this.isEnded = true;
    queueMicrotask(() => this.emit("exit", code, signal));
  }

  #answer(id: number, call: CallMessage["call"]): void {
    const does = this.does(call.kind, call);
    if (does === "silent" || this.isEnded) return;
    if (does === "die") return this.end(1);
    const answer: WorkerMessage =
      does === "refuse"
        ? { kind: "refusal", id, message: "it will not" }
        : { kind: "answer", id, value: call.kind === "ask" ? this.pid : undefined };
    this.emit("message", answer);
    if (call.kind === "stop") this.end(0);
  }
}

function stage({ pool, handle }: PoolModules, workers = 2) {
  const clock = new ManualClock();
  const processes: FakeProcess[] = [];
  const lines: string[] = [];
  const hopeless: WorkersError[] = [];
  const logger = new Logger({ out: (line) => lines.push(line), err: (line) => lines.push(line) });
  let does: Answer = () => undefined;
  const made = new pool.WorkerPool({
    workers,
    clock,
    logger,
    start: () => {
      const child = new FakeProcess(processes.length);
      child.does = (...call) => does(...call);
      processes.push(child);
      return new handle.WorkerHandle(child as never, { clock, onLine: () => {} });
    },
    setupOf: (index) => ({ share: { index, workers } }) as never,
    onHopeless: (error) => hopeless.push(error),
  });
  return {
    pool: made,
    clock,
    processes,
    lines,
    hopeless,
    /** What processes do that are started from now on, and those that have nothing else to do. */
    all: (next: Answer) => {
      does = next;
    },
  };
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

const counter = (value: number): Reading => {
  return { name: "c", type: "counter", labels: {}, envoy: "c", value };
};
const gauge = (value: number, name = "g"): Reading => {
  return { name, type: "gauge", labels: {}, envoy: name, value };
};

type Trap = (modules: PoolModules) => Promise<void>;

export const poolTraps: Readonly<Record<string, Trap>> = {
  "a document is prepared by all before one of them commits it": async (modules) => {
    const { pool, processes } = stage(modules);
    const prepared = Promise.withResolvers<void>();
    void pool.apply("a").then(prepared.resolve);
    await settled();
    for (const { calls } of processes) expect(calls).toEqual(["set-up", "prepare a", "commit"]);
    processes[1]!.does = (kind) => (kind === "prepare" ? "silent" : undefined);
    const next = pool.apply("b").catch(() => {});
    await settled();
    expect(processes[0]!.calls.at(-1)).toBe("prepare b");
    processes[1]!.end(1);
    await next;
  },
  "one that refuses keeps all of them as they were": async (modules) => {
    const { pool, processes } = stage(modules);
    await pool.apply("a");
    processes[1]!.does = (kind) => (kind === "prepare" ? "refuse" : undefined);
    await expect(pool.apply("b")).rejects.toMatchObject({
      code: "WORKER_REFUSED",
      message: "worker 1 (process 1): it will not",
    });
    expect(processes[0]!.calls.slice(3)).toEqual(["prepare b", "abandon"]);
    expect(processes[1]!.calls.slice(3)).toEqual(["prepare b", "abandon"]);
    expect(processes.length).toBe(2);
  },
  "one that does not get ready is ended, and its successor runs what is in force": async (
    modules,
  ) => {
    const { pool, processes, clock } = stage(modules);
    await pool.apply("a");
    processes[1]!.does = (kind) => (kind === "prepare" ? "silent" : undefined);
    const refused = pool.apply("b").catch(({ code }: WorkersError) => code);
    await settled();
    await clock.advanceAsync(30_000);
    expect(await refused).toBe("WORKER_SILENT");
    await settled();
    expect(processes[1]!.isEnded).toBe(true);
    await clock.advanceAsync(100);
    await settled();
    expect(processes[2]!.calls).toEqual(["set-up", "prepare a", "commit"]);
  },
  "one that cannot commit is started anew, with the new document": async (modules) => {
    const { pool, processes, clock } = stage(modules);
    await pool.apply("a");
    processes[0]!.does = (kind) => (kind === "commit" ? "refuse" : undefined);
    await pool.apply("b");
    await settled();
    expect(processes[0]!.isEnded).toBe(true);
    await clock.advanceAsync(100);
    await settled();
    expect(processes[2]!.calls).toEqual(["set-up", "prepare b", "commit"]);
    expect(pool.restarts).toEqual([1, 0]);
  },
  "the first document's failure is nobody's restart": async (modules) => {
    const { pool, processes, clock, all } = stage(modules);
    all((kind) => (kind === "prepare" ? "die" : undefined));
    await expect(pool.apply("a")).rejects.toMatchObject({ code: "WORKER_GONE" });
    await settled();
    expect([processes.length, clock.pendingTimers]).toEqual([2, 0]);
  },
  "waits double, and an end without end is told": async (modules) => {
    const { pool, processes, clock, all, hopeless } = stage(modules, 1);
    await pool.apply("a");
    all((kind) => (kind === "prepare" ? "die" : undefined));
    processes[0]!.end(1);
    for (const waitMs of [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000]) {
      await settled();
      const before = processes.length;
      await clock.advanceAsync(waitMs - 1);
      expect([processes.length, hopeless.length]).toEqual([before, 0]);
      await clock.advanceAsync(1);
      await settled();
      expect(processes.length).toBe(before + 1);
    }
    expect(hopeless.map(({ code }) => code)).toEqual(["WORKERS_KEEP_ENDING"]);
    expect(clock.pendingTimers).toBe(0);
  },
  "one that has lived long begins a new row": async (modules) => {
    const { pool, processes, clock, hopeless } = stage(modules, 1);
    await pool.apply("a");
    for (let life = 0; life < 12; life++) {
      await clock.advanceAsync(60_000);
      processes.at(-1)!.end(1);
      await settled();
      await clock.advanceAsync(100);
      await settled();
    }
    expect([processes.length, hopeless]).toEqual([13, []]);
  },
  "who comes late to a drain is drained as well": async (modules) => {
    const { pool, processes, clock } = stage(modules);
    await pool.apply("a");
    pool.tell({ kind: "drain", isGraceful: true });
    processes[0]!.end(1);
    await settled();
    await clock.advanceAsync(100);
    await settled();
    expect(processes[2]!.calls).toEqual(["set-up", "prepare a", "commit", "drain"]);
  },
  "who does not answer in time is left out, and nobody waits longer": async (modules) => {
    const { pool, processes, clock } = stage(modules);
    await pool.apply("a");
    processes[0]!.does = () => "silent";
    const asked = pool.ask("state");
    await settled();
    await clock.advanceAsync(1_000);
    expect([...(await asked)]).toEqual([[1, 1]]);
    expect(clock.pendingTimers).toBe(0);
  },
  "an end waits for all, and those that do not end are ended": async (modules) => {
    const { pool, processes, clock } = stage(modules);
    await pool.apply("a");
    processes[1]!.does = () => "silent";
    let isOver = false;
    const stopped = pool.stop(10_000).then(() => {
      isOver = true;
    });
    await settled();
    expect([processes[0]!.isEnded, isOver]).toEqual([true, false]);
    await clock.advanceAsync(14_999);
    expect(processes[1]!.isEnded).toBe(false);
    await clock.advanceAsync(1);
    await stopped;
    expect([processes.length, clock.pendingTimers]).toEqual([2, 0]);
  },
  "a counter never goes back; a gauge goes with its worker": async ({ totals, readings }) => {
    const sums = new totals.Totals<Reading>((parts) => {
      return readings.sumReadings(parts, totals.combineWorkers);
    });
    const valuesOf = (answers: [number, Reading[]][]) => {
      return Object.fromEntries(sums.of(new Map(answers)).map(({ name, value }) => [name, value]));
    };
    const [one, other] = [
      [counter(5), gauge(1)],
      [counter(7), gauge(2)],
    ];
    expect(
      valuesOf([
        [0, one],
        [1, other],
      ]),
    ).toEqual({ c: 12, g: 3 });
    expect(valuesOf([[1, other]])).toEqual({ c: 12, g: 2 });
    sums.depart(0);
    expect(valuesOf([[1, other]])).toEqual({ c: 12, g: 2 });
    expect(
      valuesOf([
        [0, [counter(1), gauge(4)]],
        [1, other],
      ]),
    ).toEqual({ c: 13, g: 6 });
    sums.depart(0);
    sums.depart(0);
    expect(valuesOf([[1, other]])).toEqual({ c: 13, g: 2 });
  },
  "what each worker has the whole of is not added": async ({ totals, readings }) => {
    const sum = (name: string, ...values: number[]) => {
      const parts = values.map((value) => [gauge(value, name)]);
      return readings.sumReadings(parts, totals.combineWorkers)[0]?.value;
    };
    expect(sum("sidecar_hosts", 3, 3)).toBe(3);
    expect(sum("sidecar_live", 1, 0, 1)).toBe(0);
    expect(sum("sidecar_hosts_available", 3, 2)).toBe(2);
    expect(sum("sidecar_certificate_expires_timestamp_seconds", 20, 10)).toBe(10);
    expect(sum("sidecar_connections", 3, 2)).toBe(5);
  },
  "a host is shown with the numbers of all, and with the worst of what they think": async ({
    totals,
  }) => {
    const limits = { connectionsMax: 5, pendingMax: 5, requestsMax: 5, retriesMax: 1 };
    const numbers = { cx_active: 1, rq_active: 1, rq_error: 2, rq_success: 3, rq_total: 6 };
    const host = { address: "a:1", isHealthy: true, isEjected: false, numbers };
    const of = (more: object, address = "a:1") =>
      ({
        name: "app",
        breakers: { default: limits, high: limits },
        outliers: undefined,
        hosts: [{ ...host, address, ...more }],
      }) as never;
    const [sum] = totals.sumClusters([[of({})], [of({ isEjected: true })], [of({}, "b:1")]]);
    expect(sum?.breakers.high).toMatchObject({ connectionsMax: 15, retriesMax: 3 });
    expect(sum?.hosts.map((one) => [one.address, one.numbers.rq_total, one.isEjected])).toEqual([
      ["a:1", 12, true],
      ["b:1", 6, false],
    ]);
  },
};
