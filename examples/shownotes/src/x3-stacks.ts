// X3's processes: edges with one billing service behind them. The demo starts one edge, which
// counts for itself; beside containers there are several, which count together (limits.ts).
import { Child } from "./child.ts";
import type { LimitsState } from "./edge-limits.ts";
import { getJson, postJson } from "./http.ts";
import { restart } from "./stack.ts";

const CONTROL_MS_MAX = 5_000;
// An edge wants the address of a preview service. Nobody asks it for a preview here.
const NOBODY = "http://127.0.0.1:1/";

/** Running edges, and their billing service. */
export interface X3Stack {
  edgeUrls: readonly URL[];
  /** Switches the token bucket, and the breaker before billing, at every edge. */
  set(switches: Switches): Promise<void>;
  /** How often the edges have decided for themselves because Redis did not answer. */
  decidedWithoutStore(): Promise<number>;
  stop(): Promise<void>;
}

/** What is on. */
export interface Switches {
  limits: boolean;
  breaker: boolean;
}

/** Where they come from. */
export interface X3Source {
  /** Processes that have seen nothing yet; `lost` is told when one dies. */
  fresh(lost: (reason: Error) => void): Promise<X3Stack>;
}

/** Starts an edge and a billing service as child processes on 127.0.0.1. */
export class X3ChildStacks implements X3Source {
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  async fresh(lost: (reason: Error) => void): Promise<X3Stack> {
    const onDeath = (line: string) => {
      this.#say(line);
      lost(new Error("one of its processes died"));
    };
    const billing = await Child.start(["billing"], onDeath);
    try {
      const to = ["--preview", NOBODY, "--billing", billing.url.href];
      const edge = await Child.start(["edge", ...to], onDeath);
      const stop = async () => void (await Promise.all([edge.stop(), billing.stop()]));
      return { ...edgesAt([edge.url]), stop };
    } catch (error) {
      await billing.stop();
      throw error;
    }
  }
}

/** Edges and a billing service that run elsewhere, with `--respawn`. */
export class X3RemoteStacks implements X3Source {
  readonly #edgeUrls: readonly URL[];
  readonly #billingUrl: URL;

  constructor(edgeUrls: readonly URL[], billingUrl: URL) {
    this.#edgeUrls = edgeUrls;
    this.#billingUrl = billingUrl;
  }

  async fresh(): Promise<X3Stack> {
    await Promise.all([...this.#edgeUrls, this.#billingUrl].map(restart));
    const edges = edgesAt(this.#edgeUrls);
    // They go on running, and are as they are when they start.
    return { ...edges, stop: () => edges.set({ limits: true, breaker: true }) };
  }
}

/** Edges that run at these addresses; who stops them is another question. */
export function edgesAt(edgeUrls: readonly URL[]): Omit<X3Stack, "stop"> {
  return {
    edgeUrls,
    set: async ({ limits, breaker }) => {
      await Promise.all(
        edgeUrls.flatMap((url) => [
          postJson(new URL("/control/limits", url), { on: limits }, inTime()),
          postJson(new URL("/control/billing", url), { breaker }, inTime()),
        ]),
      );
    },
    decidedWithoutStore: async () => {
      const ask = (url: URL) =>
        getJson<{ limits: LimitsState }>(new URL("/control", url), inTime());
      const states = await Promise.all(edgeUrls.map(ask));
      return states.reduce((sum, { limits }) => sum + limits.workspace.withoutStore, 0);
    },
  };
}

function inTime(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(CONTROL_MS_MAX) };
}
