// The public editing traces: recorded sessions of people, from github.com/josephg/editing-traces
// (CC BY 4.0).
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import type { Patch, Transaction } from "../sequence/history.ts";

/** The traces of one person, and the one of two. */
export const sequentialTraces: readonly string[] = ["sveltecomponent", "rustcode", "seph-blog1"];
/** The trace with concurrency. */
export const concurrentTrace = "friendsforever";

/** A recorded session; parents are indexes of transactions. */
export interface Trace {
  readonly endContent: string;
  readonly transactions: readonly Transaction[];
}

interface Recorded {
  readonly endContent: string;
  readonly txns: readonly {
    readonly agent?: number;
    readonly parents?: readonly number[];
    readonly patches: readonly Patch[];
  }[];
}

/** Reads a trace of that name. */
export function readTrace(root: string, name: string): Trace {
  const file = path.join(root, "traces", `${name}.json.gz`);
  const { endContent, txns } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Recorded;
  const transactions = txns.map(({ agent = 0, parents, patches }, index) => ({
    agent: `agent-${agent}`,
    parents: parents ?? (index === 0 ? [] : [index - 1]),
    patches,
  }));
  return { endContent, transactions };
}
