// Spans, where somebody wants them. The libraries that make them are optional: whoever sends no
// spans need not install them, and whoever wants to is told what is missing.
import type { RequestObserver } from "../router/observer.ts";

/** What spans need to be sent. */
export interface TracingPlan {
  /** Where spans go; `undefined` for nowhere. */
  readonly otlpEndpoint: string | undefined;
  readonly serviceName: string;
}

/** Whoever makes spans; disposing sends those that wait. */
export interface Tracing extends AsyncDisposable {
  readonly observers: readonly RequestObserver[];
}

/** Spans were asked for, and cannot be made. */
export class TracingUnavailableError extends Error {
  override readonly name = "TracingUnavailableError";
  /** Always this. */
  readonly code = "ERR_TRACING_UNAVAILABLE";
}

const libraries = [
  "@opentelemetry/api",
  "@opentelemetry/exporter-trace-otlp-http",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace",
];

/**
 * Begins to send spans, or does nothing where they have nowhere to go.
 *
 * @throws TracingUnavailableError when a library is not installed
 */
export async function startTracing(
  { otlpEndpoint: endpoint, serviceName }: TracingPlan,
  load: () => Promise<Pick<typeof import("./otlp.ts"), "startOtlp">> = () => import("./otlp.ts"),
): Promise<Tracing> {
  if (endpoint === undefined) return { observers: [], [Symbol.asyncDispose]: async () => {} };
  const { startOtlp } = await load().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    const [missing = "a library"] = /@opentelemetry\/[\w-]+/.exec(error.message) ?? [];
    throw new TracingUnavailableError(
      `spans cannot be sent to ${endpoint}: ${missing} is not installed; run npm install ` +
        `${libraries.join(" ")}, or leave out --otlp-endpoint and OTEL_EXPORTER_OTLP_ENDPOINT`,
      { cause: error },
    );
  });
  return startOtlp({ endpoint, serviceName });
}
