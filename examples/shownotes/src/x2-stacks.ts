// X2's processes: an edge and a billing service that have seen nothing, set up as one variant.
import { Child } from "./child.ts";
import type { BillingHopState } from "./edge-billing.ts";
import { getJson, postJson } from "./http.ts";
import type { Variant, X2Scenario } from "./x2-scenario.ts";

const CONTROL_MS_MAX = 5_000;
// An edge wants the address of a preview service. Nobody asks it for a preview here.
const NOBODY = "http://127.0.0.1:1/";

/** What billing's `GET /control` answers. */
export interface BillingState {
  charges: number;
  keys: number;
  repeats: number;
  running: number;
  waiting: number;
  started: number;
  shed: number;
  refused: number;
  shedding: boolean;
  fault: boolean;
}

/** A running pair. */
export interface X2Stack {
  edgeUrl: URL;
  billingUrl: URL;
  stop(): Promise<void>;
}

/** Where pairs come from. */
export interface X2Source {
  /** A fresh pair for each variant, in the given order; `lost` is told when a process dies. */
  fresh(variants: readonly Variant[], lost: (reason: Error) => void): Promise<X2Stack[]>;
}

/** Starts every pair as two child processes on 127.0.0.1. */
export class X2ChildStacks implements X2Source {
  readonly #scenario: X2Scenario;
  readonly #say: (line: string) => void;

  constructor(scenario: X2Scenario, say: (line: string) => void) {
    this.#scenario = scenario;
    this.#say = say;
  }

  async fresh(variants: readonly Variant[], lost: (reason: Error) => void): Promise<X2Stack[]> {
    const started: Child[] = [];
    const start = async (...command: [string, ...string[]]) => {
      const child = await Child.start(command, (line) => {
        this.#say(line);
        lost(new Error("one of its processes died"));
      });
      started.push(child);
      return child;
    };
    const pairs = variants.map(async (variant) => {
      const { retries, shedding } = this.#scenario.variants[variant];
      const billing = await start("billing", "--shedding", shedding ? "on" : "off");
      const to = ["--billing", billing.url.href, "--retries", retries, "--breaker", "off"];
      const edge = await start("edge", "--preview", NOBODY, ...to);
      const stop = async () => void (await Promise.all([edge.stop(), billing.stop()]));
      return { edgeUrl: edge.url, billingUrl: billing.url, stop };
    });
    const settled = await Promise.allSettled(pairs);
    const failed = settled.find(({ status }) => status === "rejected");
    if (failed === undefined) return Promise.all(pairs);
    await Promise.all(started.map((child) => child.stop()));
    throw (failed as PromiseRejectedResult).reason;
  }
}

/** Makes billing slow, or quick again. */
export function breakBilling({ billingUrl }: X2Stack, on: boolean): Promise<void> {
  return postJson(new URL("/control/fault", billingUrl), { on }, inTime());
}

/** What both services have counted. */
export async function countsOf({
  edgeUrl,
  billingUrl,
}: X2Stack): Promise<{ edge: BillingHopState; billing: BillingState }> {
  const [edge, billing] = await Promise.all([
    getJson<{ billing: BillingHopState }>(new URL("/control", edgeUrl), inTime()),
    getJson<BillingState>(new URL("/control", billingUrl), inTime()),
  ]);
  return { edge: edge.billing, billing };
}

function inTime(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(CONTROL_MS_MAX) };
}
