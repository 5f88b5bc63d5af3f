// The scrape endpoint, for a server of node:http. It always answers in the Prometheus text
// format, whatever the Accept header asks for: prom-client 15, asked for OpenMetrics, strips
// `_total` off the registered counters while it formats them, and never puts it back.
//
// Left out: routing, authentication and compression. Serve it on a port that only the scraper
// reaches.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { MetricRegistry } from "./registry.ts";

/** The content type of every successful answer: the text format, version 0.0.4. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Options of {@link metricsHandler}. */
export interface MetricsHandlerOptions {
  /** Told of a scrape that failed, once each; the client sees one line of it. */
  onError?: (error: unknown) => void;
}

/**
 * A handler that answers GET and HEAD with what `registry` holds: 405 to other methods, and 500
 * with one line of text when a collector throws. It never throws and never leaves a request
 * unanswered.
 *
 * @throws TypeError when the registry is set to OpenMetrics
 */
export function metricsHandler(
  registry: MetricRegistry,
  { onError }: MetricsHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  checkFormat(registry);
  return (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      answer(response, 405, "text/plain; charset=utf-8", "only GET and HEAD\n");
      return;
    }
    scrape(registry)
      .then((text) => answer(response, 200, METRICS_CONTENT_TYPE, text))
      .catch((error: unknown) => {
        answer(response, 500, "text/plain; charset=utf-8", `scrape failed: ${oneLine(error)}\n`);
        onError?.(error);
      })
      // An onError that throws would otherwise be an unhandled rejection, which ends the process.
      .catch(() => response.destroy());
  };
}

// Async, so that a registry that throws before its first await rejects as well.
async function scrape(registry: MetricRegistry): Promise<string> {
  checkFormat(registry);
  return await registry.metrics();
}

function checkFormat({ contentType }: MetricRegistry): void {
  if (contentType.startsWith("text/plain")) return;
  throw new TypeError(`registry must use the Prometheus text format, got ${contentType}`);
}

function answer(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  // node:http leaves the body out by itself when the request was a HEAD.
  response.end(text);
}

function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\s+/g, " ").slice(0, 200);
}
