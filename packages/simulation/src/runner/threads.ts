// Threads that run seeds. The main thread hands out batches; a thread answers each with what became
// of it. After the first failure no batch is handed out any more, but those that are under way are
// finished: a lower seed may fail in one of them, and the lowest is what is reported.

import { Worker } from "node:worker_threads";

/** What a thread has to do with each batch. */
export interface Work {
  readonly module: string;
  readonly scenario: string;
  readonly calm: boolean;
  readonly twice: boolean;
}

/** Some seeds in a row. */
export interface Batch {
  readonly first: number;
  readonly seeds: number;
}

/** What became of a batch. */
export interface BatchResult {
  readonly seeds: number;
  readonly events: number;
  readonly failedSeed: number | undefined;
}

/** How far it is. */
export interface Progress {
  seeds: number;
  events: number;
}

/** How it ended. */
export interface Outcome {
  readonly progress: Progress;
  readonly failedSeed: number | undefined;
}

const BATCH_SEEDS = 64;
const REPORT_EVERY_MS = 5_000;

/** Runs seeds in `jobs` threads, until one fails. */
export async function runInThreads(
  work: Work,
  { first, seeds, jobs }: Batch & { readonly jobs: number },
  report: (progress: Progress) => void,
): Promise<Outcome> {
  const progress: Progress = { seeds: 0, events: 0 };
  const failed: number[] = [];
  const end = first + seeds;
  let next = first;
  const take = (): Batch | undefined => {
    if (next >= end || failed.length > 0) return undefined;
    const batch = { first: next, seeds: Math.min(BATCH_SEEDS, end - next) };
    next += batch.seeds;
    return batch;
  };
  const onResult = (result: BatchResult): void => {
    progress.seeds += result.seeds;
    progress.events += result.events;
    if (result.failedSeed !== undefined) failed.push(result.failedSeed);
  };
  const timer = setInterval(() => report(progress), REPORT_EVERY_MS);
  try {
    const threads = Math.min(jobs, Math.ceil(seeds / BATCH_SEEDS));
    await Promise.all(Array.from({ length: threads }, () => runThread(work, take, onResult)));
  } finally {
    clearInterval(timer);
  }
  return { progress, failedSeed: failed.length === 0 ? undefined : Math.min(...failed) };
}

async function runThread(
  work: Work,
  take: () => Batch | undefined,
  onResult: (result: BatchResult) => void,
): Promise<void> {
  // Beside this file: TypeScript where sources run, JavaScript where the package is installed.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  // A program that was read from standard input says so in its flags; a thread is a file.
  const flags = process.execArgv.filter((flag) => flag !== "-" && !flag.startsWith("--input-type"));
  const worker = new Worker(new URL(`./thread.${extension}`, import.meta.url), {
    workerData: work,
    ...(flags.length < process.execArgv.length && { execArgv: flags }),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      const send = (): void => {
        const batch = take();
        if (batch === undefined) resolve();
        else worker.postMessage(batch);
      };
      worker.on("message", (result: BatchResult) => {
        onResult(result);
        send();
      });
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`a thread has ended with code ${code}`)));
      send();
    });
  } finally {
    worker.removeAllListeners();
    await worker.terminate();
  }
}
