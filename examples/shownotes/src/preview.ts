// The preview service: fetches a linked page's title for the show notes. It stands in for every
// dependency that is usually quick and sometimes is not: all of it for a while (the fault, X1), or
// now and then a single call (stragglers, X4: a pause, a lost packet, a page that was in no cache).
// And for a version that should not have been released: it fails a share of its calls (X9).
import { registerMetrics } from "@compendium/metrics";
import { SeededRandom } from "@compendium/runtime";
import { Registry } from "prom-client";
import type { Listen } from "./command-line.ts";
import { sendJson, sendText } from "./http.ts";
import { type Scenario, scenario as x1 } from "./scenario.ts";
import { runService, type ServiceDefinition } from "./service.ts";
import { type Stragglers, x4Scenario } from "./x4-scenario.ts";
import { type Failures, x9Scenario } from "./x9-scenario.ts";

const DELAY_MS_MAX = 60_000;

// What is counted, where it arrives.
interface Seen {
  calls: number;
  faultCalls: number;
  /** Callers who left before their answer; a hedge that lost is one. */
  abandonedCalls: number;
  failedCalls: number;
  /** How long a call takes now. */
  delayMs: number;
}

/** Runs the service until it is told to stop. */
export async function runPreview(listen: Listen): Promise<void> {
  await runService(createPreview(x1), listen);
}

/** The service, quick at first. */
export function createPreview(
  { preview }: Scenario,
  stragglers: Stragglers = x4Scenario.preview,
  failures: Failures = x9Scenario.canary,
): ServiceDefinition {
  const registry = new Registry();
  const seen: Seen = {
    calls: 0,
    faultCalls: 0,
    abandonedCalls: 0,
    failedCalls: 0,
    delayMs: preview.delayMs,
  };
  // When the fault was switched on, on the clock that all processes of a machine share: seen from
  // outside, the moment of the switch is known only roughly.
  let faultSinceMs: number | null = null;
  // While they are on: how long the next call takes. From the seed each time they are switched on.
  let straggle: (() => number) | undefined;
  // While they are on: whether the next call fails. Likewise from the seed.
  let fails: (() => boolean) | undefined;
  register(registry, seen);

  return {
    name: "preview",
    registry,
    state: () => ({
      ...seen,
      fault: faultSinceMs !== null,
      faultSinceMs,
      stragglers: straggle !== undefined,
      failures: fails !== undefined,
    }),
    control: {
      fault: ({ on, delayMs = preview.faultDelayMs }) => {
        if (typeof on !== "boolean") throw new TypeError(`on must be true or false, got ${on}`);
        if (typeof delayMs !== "number" || !(delayMs >= 0 && delayMs <= DELAY_MS_MAX)) {
          throw new RangeError(`delayMs must be from 0 to ${DELAY_MS_MAX}, got ${delayMs}`);
        }
        faultSinceMs = on ? performance.timeOrigin + performance.now() : null;
        seen.delayMs = on ? delayMs : preview.delayMs;
      },
      stragglers: ({ on }) => {
        if (typeof on !== "boolean") throw new TypeError(`on must be true or false, got ${on}`);
        straggle = on ? straggling(stragglers) : undefined;
      },
      failures: ({ on }) => {
        if (typeof on !== "boolean") throw new TypeError(`on must be true or false, got ${on}`);
        fails = on ? failing(failures) : undefined;
      },
    },
    handle: (request, response, url) => {
      const link = url.searchParams.get("url");
      if (url.pathname !== "/preview" || request.method !== "GET") {
        return sendText(response, 404, "try GET /preview?url=…\n");
      }
      if (link === null) return sendText(response, 400, "url is missing\n");
      seen.calls++;
      if (faultSinceMs !== null) seen.faultCalls++;
      // Where previews hang, none of them is quick.
      const delayMs = faultSinceMs === null ? (straggle?.() ?? seen.delayMs) : seen.delayMs;
      const isFailing = fails?.() ?? false;
      if (isFailing) seen.failedCalls++;
      const timer = setTimeout(() => {
        if (isFailing) sendText(response, 500, "this version cannot do that\n");
        else sendJson(response, 200, { url: link, title: `A page about ${link}` });
      }, delayMs);
      response.on("close", () => {
        clearTimeout(timer);
        if (!response.writableEnded) seen.abandonedCalls++;
      });
    },
  };
}

function register(registry: Registry, seen: Readonly<Seen>): void {
  registerMetrics(registry, [
    {
      name: "preview_calls_total",
      type: "counter",
      help: "Previews asked for.",
      collect: (emit) => emit(seen.calls),
    },
    {
      name: "preview_fault_calls_total",
      type: "counter",
      help: "Previews asked for while the fault was on.",
      collect: (emit) => emit(seen.faultCalls),
    },
    {
      name: "preview_abandoned_calls_total",
      type: "counter",
      help: "Previews whose caller left before the answer.",
      collect: (emit) => emit(seen.abandonedCalls),
    },
    {
      name: "preview_failed_calls_total",
      type: "counter",
      help: "Previews that were answered with 500, by order of the failures switch.",
      collect: (emit) => emit(seen.failedCalls),
    },
    {
      name: "preview_delay_seconds",
      type: "gauge",
      help: "How long a preview takes at the moment, by order of the fault switch.",
      collect: (emit) => emit(seen.delayMs / 1_000),
    },
  ]);
}

/** The delays of calls one after another, in ms; the same seed gives the same. */
export function straggling(stragglers: Stragglers): () => number {
  const { quickMsMin, quickMsMax, stragglerShare, stragglerMs, seed } = stragglers;
  const random = new SeededRandom(seed);
  const isStraggler = () => random.below(1_000_000) < stragglerShare * 1_000_000;
  const quickMs = () => quickMsMin + random.below((quickMsMax - quickMsMin) * 1_000 + 1) / 1_000;
  return () => (isStraggler() ? stragglerMs : quickMs());
}

/** Whether calls fail, one after another; the same seed gives the same. */
export function failing({ failureShare, seed }: Failures): () => boolean {
  const random = new SeededRandom(seed);
  return () => random.below(1_000_000) < failureShare * 1_000_000;
}
