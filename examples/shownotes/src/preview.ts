// The preview service: fetches a linked page's title for the show notes. It stands in for every
// dependency that is usually quick and sometimes, for a while, is not.
import { registerMetrics } from "@compendium/metrics";
import { Registry } from "prom-client";
import type { Listen } from "./command-line.ts";
import { sendJson, sendText } from "./http.ts";
import { type Scenario, scenario as x1 } from "./scenario.ts";
import { runService, type ServiceDefinition } from "./service.ts";

const DELAY_MS_MAX = 60_000;

/** Runs the service until it is told to stop. */
export async function runPreview(listen: Listen): Promise<void> {
  await runService(createPreview(x1), listen);
}

/** The service, quick at first. */
export function createPreview({ preview }: Scenario): ServiceDefinition {
  const registry = new Registry();
  let calls = 0;
  // Counted where they arrive: seen from outside, the moment of the switch is known only roughly.
  let faultCalls = 0;
  // Likewise: when the fault was switched on, on the clock that all processes of a machine share.
  let faultSinceMs: number | null = null;
  let nowDelayMs = preview.delayMs;

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
    },
    handle: (request, response, url) => {
      const link = url.searchParams.get("url");
      if (url.pathname !== "/preview" || request.method !== "GET") {
        return sendText(response, 404, "try GET /preview?url=…\n");
      }
      if (link === null) return sendText(response, 400, "url is missing\n");
      calls++;
      if (faultSinceMs !== null) faultCalls++;
      const timer = setTimeout(
        () => sendJson(response, 200, { url: link, title: `A page about ${link}` }),
        nowDelayMs,
      );
      response.on("close", () => clearTimeout(timer));
    },
  };
}
