// The preview service: fetches a linked page's title for the show notes. It stands in for every
// dependency that is usually quick and sometimes is not: all of it for a while (the fault, X1), or
// now and then a single call (stragglers, X4: a pause, a lost packet, a page that was in no cache).
import { registerMetrics } from "@compendium/metrics";
import { SeededRandom } from "@compendium/runtime";
import { Registry } from "prom-client";
import type { Listen } from "./command-line.ts";
import { sendJson, sendText } from "./http.ts";
import { type Scenario, scenario as x1 } from "./scenario.ts";
import { runService, type ServiceDefinition } from "./service.ts";
import { type Stragglers, x4Scenario } from "./x4-scenario.ts";

const DELAY_MS_MAX = 60_000;

/** Runs the service until it is told to stop. */
export async function runPreview(listen: Listen): Promise<void> {
  await runService(createPreview(x1), listen);
}

/** The service, quick at first. */
export function createPreview(
  { preview }: Scenario,
  stragglers: Stragglers = x4Scenario.preview,
): ServiceDefinition {
  const registry = new Registry();
  let calls = 0;
  // Counted where they arrive: seen from outside, the moment of the switch is known only roughly.
  let faultCalls = 0;
  // Likewise: when the fault was switched on, on the clock that all processes of a machine share.
  let faultSinceMs: number | null = null;
  let nowDelayMs = preview.delayMs;
  // While they are on: how long the next call takes. From the seed each time they are switched on.
  let straggle: (() => number) | undefined;
  // Callers who left before their answer; a hedge that lost is one.
  let abandonedCalls = 0;

  registerMetrics(registry, [
    {
      name: "preview_calls_total",
      type: "counter",
      help: "Previews asked for.",
      collect: (emit) => emit(calls),
    },
    {
      name: "preview_fault_calls_total",
      type: "counter",
      help: "Previews asked for while the fault was on.",
      collect: (emit) => emit(faultCalls),
    },
    {
      name: "preview_abandoned_calls_total",
      type: "counter",
      help: "Previews whose caller left before the answer.",
      collect: (emit) => emit(abandonedCalls),
    },
    {
      name: "preview_delay_seconds",
      type: "gauge",
      help: "How long a preview takes at the moment, by order of the fault switch.",
      collect: (emit) => emit(nowDelayMs / 1_000),
    },
  ]);

  return {
    name: "preview",
    registry,
    state: () => ({
      calls,
      faultCalls,
      fault: faultSinceMs !== null,
      faultSinceMs,
      delayMs: nowDelayMs,
      stragglers: straggle !== undefined,
      abandonedCalls,
    }),
    control: {
      fault: ({ on, delayMs = preview.faultDelayMs }) => {
        if (typeof on !== "boolean") throw new TypeError(`on must be true or false, got ${on}`);
        if (typeof delayMs !== "number" || !(delayMs >= 0 && delayMs <= DELAY_MS_MAX)) {
          throw new RangeError(`delayMs must be from 0 to ${DELAY_MS_MAX}, got ${delayMs}`);
        }
        faultSinceMs = on ? performance.timeOrigin + performance.now() : null;
        nowDelayMs = on ? delayMs : preview.delayMs;
      },
      stragglers: ({ on }) => {
        if (typeof on !== "boolean") throw new TypeError(`on must be true or false, got ${on}`);
        straggle = on ? straggling(stragglers) : undefined;
      },
    },
    handle: (request, response, url) => {
      const link = url.searchParams.get("url");
      if (url.pathname !== "/preview" || request.method !== "GET") {
        return sendText(response, 404, "try GET /preview?url=…\n");
      }
      if (link === null) return sendText(response, 400, "url is missing\n");
      calls++;
      if (faultSinceMs !== null) faultCalls++;
      // Where previews hang, none of them is quick.
      const delayMs = faultSinceMs === null ? (straggle?.() ?? nowDelayMs) : nowDelayMs;
      const timer = setTimeout(
        () => sendJson(response, 200, { url: link, title: `A page about ${link}` }),
        delayMs,
      );
      response.on("close", () => {
        clearTimeout(timer);
        if (!response.writableEnded) abandonedCalls++;
      });
    },
  };
}

/** The delays of calls one after another, in ms; the same seed gives the same. */
export function straggling(stragglers: Stragglers): () => number {
  const { quickMsMin, quickMsMax, stragglerShare, stragglerMs, seed } = stragglers;
  const random = new SeededRandom(seed);
  const isStraggler = () => random.below(1_000_000) < stragglerShare * 1_000_000;
  const quickMs = () => quickMsMin + random.below((quickMsMax - quickMsMin) * 1_000 + 1) / 1_000;
  return () => (isStraggler() ? stragglerMs : quickMs());
}
