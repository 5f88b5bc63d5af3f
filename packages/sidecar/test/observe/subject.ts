// The modules of one copy of the sources, sound or not.
import path from "node:path";

export interface Subject {
  readonly writer: typeof import("../../src/observe/log-writer.ts");
  readonly logs: typeof import("../../src/observe/access-log.ts");
  readonly meter: typeof import("../../src/observe/meter.ts");
  readonly readings: typeof import("../../src/observe/readings.ts");
  readonly trace: typeof import("../../src/observe/trace-context.ts");
  readonly registry: typeof import("../../src/observe/text-registry.ts");
}

/** Imports a copy, from its `src` folder. */
export async function loadSubject(source: string): Promise<Subject> {
  const load = (file: string) => import(/* @vite-ignore */ path.join(source, "observe", file));
  return {
    writer: await load("log-writer.ts"),
    logs: await load("access-log.ts"),
    meter: await load("meter.ts"),
    readings: await load("readings.ts"),
    trace: await load("trace-context.ts"),
    registry: await load("text-registry.ts"),
  };
}
