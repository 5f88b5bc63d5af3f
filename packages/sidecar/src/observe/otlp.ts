// Spans to a collector, by OTLP over HTTP, as the command sends them. The SDK batches them, bounds
// what waits (2,048, then spans are dropped), and sends without anybody waiting for it.
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { RequestObserver } from "../router/observer.ts";
import { traceRequests } from "../tracing.ts";

/** Where spans go, and whose they are. */
export interface OtlpOptions {
  /** "http://collector:4318": `/v1/traces` is added. */
  readonly endpoint: string;
  readonly serviceName: string;
}

/** Whoever makes the spans; disposing sends those that wait, within a bound. */
export function startOtlp({ endpoint, serviceName }: OtlpOptions): AsyncDisposable & {
  readonly observers: readonly RequestObserver[];
} {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, "")}/v1/traces` });
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ "service.name": serviceName })),
    // What a caller has decided holds; whoever begins a trace here is recorded.
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: 5_000 })],
  });
  return {
    observers: [traceRequests(provider.getTracer("@compendium/sidecar"))],
    [Symbol.asyncDispose]: () => provider.shutdown().catch(() => {}),
  };
}
