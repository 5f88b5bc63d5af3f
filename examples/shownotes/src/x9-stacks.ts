// X9's processes: an edge, and behind one sidecar two versions of the preview service, of which the
// new one, with one call in ten, fails half of its calls. The edge asks once and takes what it
// gets: its breaker, its timeout and its hedge are off, so that nothing is seen but what the
// sidecar does.
import { Child } from "./child.ts";
import { postJson } from "./http.ts";
import { endpointsAt, Mesh } from "./mesh.ts";
import { Stack } from "./stack.ts";
import type { X9Scenario } from "./x9-scenario.ts";

const CONTROL_MS_MAX = 5_000;
const SERVICE = "preview";
const EJECTED = `cluster.${SERVICE}.outlier_detection.ejections_active`;

/** What is counted, from the beginning. */
export interface X9Counts {
  /** Previews that were answered with a bare link, as the edge counts them. */
  bareLinks: number;
  canaryCalls: number;
  canaryFailures: number;
  /** Whether the sidecar has put the canary aside. */
  isEjected: boolean;
}

/** A running edge, and what is behind it. */
export interface X9Stack {
  edgeUrl: URL;
  /** Tells the sidecar whether to put aside who fails; nothing else changes. */
  detect(on: boolean): Promise<void>;
  counts(): Promise<X9Counts>;
  stop(): Promise<void>;
}

/** Where they come from. */
export interface X9Source {
  /** Processes that have seen nothing yet; `lost` is told when one dies. */
  fresh(lost: (reason: Error) => void): Promise<X9Stack>;
}

/** Starts them as child processes on 127.0.0.1. */
export class X9ChildStacks implements X9Source {
  readonly #scenario: X9Scenario;
  readonly #say: (line: string) => void;

  constructor(scenario: X9Scenario, say: (line: string) => void) {
    this.#scenario = scenario;
    this.#say = say;
  }

  async fresh(lost: (reason: Error) => void): Promise<X9Stack> {
    const { weights, detection } = this.#scenario;
    const onDeath = (line: string) => {
      this.#say(line);
      lost(new Error("one of its processes died"));
    };
    const starting: Promise<Child>[] = [];
    const start = (...command: [string, ...string[]]) => {
      const child = Child.start(command, onDeath);
      starting.push(child);
      return child;
    };
    const mesh = new Mesh(onDeath);
    const stop = async () => {
      const settled = await Promise.allSettled(starting);
      const children = settled.map((it) => it.status === "fulfilled" && it.value.stop());
      await Promise.all([...children, mesh.stop()]);
    };
    try {
      const [stable, canary] = await Promise.all([start("preview"), start("preview")]);
      const sidecar = await mesh.start({
        name: SERVICE,
        endpoints: endpointsAt([stable.url, canary.url], [weights.stable, weights.canary]),
        ejectAfter: undefined,
      });
      const edge = await start("edge", "--preview", sidecar.url.href, "--protection", "off");
      await new Stack(edge.url, canary.url).hedge(false);
      await fail(canary.url, true);
      return {
        edgeUrl: edge.url,
        detect: (on) =>
          sidecar.configure({ ejectAfter: on ? detection.consecutive5xx : undefined }),
        counts: () =>
          countsOf(new Stack(edge.url, canary.url), async () => {
            const stats = await sidecar.stats(EJECTED);
            return stats.get(EJECTED) ?? 0;
          }),
        stop,
      };
    } catch (error) {
      await stop();
      throw error;
    }
  }
}

/** What an edge, a canary and whoever knows of ejections have counted. */
export async function countsOf(
  stack: Pick<Stack, "edge" | "preview">,
  ejected: () => Promise<number>,
): Promise<X9Counts> {
  const [edge, canary, active] = await Promise.all([stack.edge(), stack.preview(), ejected()]);
  return {
    bareLinks: edge.bareLinks,
    canaryCalls: canary.calls,
    canaryFailures: canary.failedCalls,
    isEjected: active > 0,
  };
}

/** Has a preview service fail as X9 says, or not any more. */
export function fail(previewUrl: URL, on: boolean): Promise<void> {
  return postJson(new URL("/control/failures", previewUrl), { on }, inTime());
}

function inTime(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(CONTROL_MS_MAX) };
}
