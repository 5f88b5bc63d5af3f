// The specification of the core is written against a `Subject`: the modules of src/, or of a copy
// of it with a planted mistake. So one and the same sentence documents the package, and kills the
// mutant that breaks it (see ../mutants).
import path from "node:path";

/** The modules of the core, as one object. */
export type Subject = typeof import("../../src/backoff.ts") &
  typeof import("../../src/bulkhead.ts") &
  typeof import("../../src/call.ts") &
  typeof import("../../src/circuit-breaker.ts") &
  typeof import("../../src/deadline-wheel.ts") &
  typeof import("../../src/errors.ts") &
  typeof import("../../src/fallback.ts") &
  typeof import("../../src/order.ts") &
  typeof import("../../src/pipeline.ts") &
  typeof import("../../src/retry.ts") &
  typeof import("../../src/retry-budget.ts") &
  typeof import("../../src/tally.ts") &
  typeof import("../../src/timeout.ts") &
  typeof import("../../src/wait-queue.ts");

/** The files of the core, all of which import nothing of src/ but each other, and types. */
export const MODULES: readonly string[] =
  `backoff bulkhead call circuit-breaker deadline-wheel errors fallback order pipeline
  retry retry-budget shapes tally timeout wait-queue`.split(/\s+/);

/** Imports the core from a folder of sources. */
export async function loadSubject(folder: string): Promise<Subject> {
  const files = MODULES.map((name) => path.join(folder, `${name}.ts`));
  const modules = await Promise.all(files.map((file) => import(/* @vite-ignore */ file)));
  return Object.assign({}, ...modules) as Subject;
}

/** Sentences of the specification, and how to see that they hold. */
export type Specs = Readonly<Record<string, (subject: Subject) => void | Promise<void>>>;
