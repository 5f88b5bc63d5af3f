// What is measured. Times are CPU time of the process, in milliseconds.
import { deflateRawSync } from "node:zlib";
import type { Library, Patch } from "./libraries.ts";

/** The traces' edits, by the traces' names. */
export type Traces = Readonly<Record<string, readonly Patch[]>>;

/** Edits that are sent one by one: more would have the slowest run for an hour. */
const LIVE_EDITS = 20_000;
/** Edits of each branch before they are merged. */
const BRANCH_EDITS = 10_000;

/** A figure of one library, for one trace; `undefined` for what it does not offer. */
export type Case = (library: Library, traces: Traces, trace: string) => number | undefined;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const typed = (library: Library, patches: readonly Patch[]) => {
  const replica = library.make(1);
  replica.edit(patches);
  return replica;
};

const bytesOf = (what: "all" | "without deleted text", isDeflated: boolean): Case => {
  return (library, traces, trace) => {
    const saved = typed(library, traces[trace]!).save(what);
    if (saved === undefined) return undefined;
    return isDeflated ? deflateRawSync(saved, { level: 9 }).length : saved.length;
  };
};

/** By name. */
export const cases: Readonly<Record<string, { unit: string; run: Case }>> = {
  "local replay": {
    unit: "CPU ms",
    run(library, traces, trace) {
      const replica = library.make(1);
      const startedMs = cpuMs();
      replica.edit(traces[trace]!);
      return cpuMs() - startedMs;
    },
  },
  "live remote apply": {
    unit: "CPU ms",
    run(library, traces, trace) {
      const [here, there] = [library.make(1), library.make(2)];
      here.update();
      const startedMs = cpuMs();
      for (const patch of traces[trace]!.slice(0, LIVE_EDITS)) {
        here.edit([patch]);
        there.merge(here.update());
      }
      const spentMs = cpuMs() - startedMs;
      if (here.text() !== there.text()) throw new Error("the replicas differ");
      return spentMs;
    },
  },
  "two offline branches merged": {
    unit: "CPU ms",
    run(library, traces, trace) {
      const base = typed(library, traces[trace]!.slice(0, BRANCH_EDITS));
      const saved = base.save("all") ?? base.save("without deleted text")!;
      const here = library.make(2, saved);
      const there = library.make(3, saved);
      here.update();
      there.update();
      const middle = here.text().length >> 1;
      here.edit(traces[trace]!.slice(BRANCH_EDITS, 2 * BRANCH_EDITS));
      there.edit(shifted(traces[trace]!.slice(0, BRANCH_EDITS), middle));
      const update = there.update();
      const startedMs = cpuMs();
      here.merge(update);
      return cpuMs() - startedMs;
    },
  },
  "load to text": {
    unit: "CPU ms",
    run(library, traces, trace) {
      const replica = typed(library, traces[trace]!);
      const saved = replica.save("all") ?? replica.save("without deleted text")!;
      library.read(saved);
      const startedMs = cpuMs();
      for (let i = 0; i < 5; i++) library.read(saved);
      return (cpuMs() - startedMs) / 5;
    },
  },
  "full history": { unit: "bytes", run: bytesOf("all", false) },
  "full history, deflate": { unit: "bytes", run: bytesOf("all", true) },
  "without deleted text": { unit: "bytes", run: bytesOf("without deleted text", false) },
  "without deleted text, deflate": { unit: "bytes", run: bytesOf("without deleted text", true) },
  "memory retained": {
    unit: "bytes",
    run(library, traces, trace) {
      const held = (): number => {
        for (let i = 0; i < 3; i++) globalThis.gc?.();
        const { heapUsed, external } = process.memoryUsage();
        return heapUsed + external;
      };
      typed(library, traces[trace]!.slice(0, 100)).text();
      const before = held();
      const replica = typed(library, traces[trace]!);
      const taken = held() - before;
      return replica.text().length > 0 ? taken : undefined;
    },
  },
};

// Edits elsewhere in a document that already has text.
function shifted(patches: readonly Patch[], by: number): Patch[] {
  return patches.map(([position, removed, inserted]) => [position + by, removed, inserted]);
}
