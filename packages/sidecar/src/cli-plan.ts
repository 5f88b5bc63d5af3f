// What the command line asks for. The flags are Envoy's, where Envoy has them.
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type LogLevel, logLevels } from "./observe/logger.ts";

/** What is to be done. */
export interface Plan {
  readonly read: () => Promise<string>;
  readonly mode: "serve" | "validate";
  readonly drainMs: number;
  /** How many processes share the ports; 1: this one serves. */
  readonly workers: number;
  readonly logLevel: LogLevel;
  /** Where spans go; `undefined` for nowhere. */
  readonly otlpEndpoint: string | undefined;
  readonly serviceName: string;
  /** As they were given, for `/server_info`. */
  readonly flags: Readonly<Record<string, string | number>>;
}

/** For `--help`. */
export const HELP: string = `compendium-sidecar: the data plane of a service mesh

  -c, --config-path FILE   the configuration: Envoy's bootstrap, in YAML or JSON (see XDS.md)
  --config-yaml TEXT       the same, as an argument
  --mode MODE              serve (default), or validate: check the configuration and exit
  --drain-time-s N         how long requests may take to end after SIGTERM (default 600)
  --workers N              processes that share the ports, or auto: one for each processor
                           (default 1; --concurrency is the same)
  -l, --log-level LEVEL    ${logLevels.join(", ")} (default info)
  --otlp-endpoint URL      where spans go, by OTLP over HTTP (default OTEL_EXPORTER_OTLP_ENDPOINT)
  --service-name NAME      whose spans they are (default OTEL_SERVICE_NAME, or compendium-sidecar)
  --help                   this text

SIGHUP reads the file again: connections stay, requests under way keep what they began with.
SIGUSR1 opens the access logs anew. SIGTERM drains, and exits 0.`;

/**
 * Reads the arguments; `undefined` where help was asked for.
 *
 * @throws TypeError for an argument that is wrong
 */
export function readPlan(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Plan | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "config-path": { type: "string", short: "c" },
      "config-yaml": { type: "string" },
      mode: { type: "string", default: "serve" },
      "drain-time-s": { type: "string", default: "600" },
      workers: { type: "string" },
      concurrency: { type: "string" },
      "log-level": { type: "string", short: "l", default: "info" },
      "otlp-endpoint": { type: "string" },
      "service-name": { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return undefined;
  const { "config-path": file, "config-yaml": text, mode, "log-level": level } = values;
  if ((file === undefined) === (text === undefined)) {
    throw new TypeError("one of --config-path and --config-yaml is needed; see --help");
  }
  if (mode !== "serve" && mode !== "validate") {
    throw new TypeError(`--mode must be serve or validate, got "${mode}"`);
  }
  const seconds = Number(values["drain-time-s"]);
  if (!(seconds >= 0 && seconds <= 86_400)) {
    throw new TypeError(`--drain-time-s must be in [0, 86400], got "${values["drain-time-s"]}"`);
  }
  const workers = workersOf(values.workers, values.concurrency);
  const logLevel = logLevels.find((known) => known === level);
  if (logLevel === undefined) {
    throw new TypeError(`--log-level must be one of ${logLevels.join(", ")}, got "${level}"`);
  }
  const { OTEL_EXPORTER_OTLP_ENDPOINT: usualEndpoint, OTEL_SERVICE_NAME: usualName } = env;
  const otlpEndpoint = values["otlp-endpoint"] ?? (usualEndpoint || undefined);
  if (otlpEndpoint !== undefined && !/^https?:\/\/\S+$/.test(otlpEndpoint)) {
    throw new TypeError(`--otlp-endpoint must be http:// or https://, got "${otlpEndpoint}"`);
  }
  return {
    read: async () => (file === undefined ? (text as string) : await readFile(file, "utf8")),
    mode,
    drainMs: seconds * 1_000,
    workers,
    logLevel,
    otlpEndpoint,
    serviceName: values["service-name"] ?? (usualName || "compendium-sidecar"),
    flags: {
      ...(file && { "config-path": file }),
      "drain-time-s": seconds,
      "log-level": level,
      workers,
    },
  };
}

const WORKERS_MAX = 256;

function workersOf(own: string | undefined, envoys: string | undefined): number {
  if (own !== undefined && envoys !== undefined) {
    throw new TypeError("--workers and --concurrency are the same; give one of them");
  }
  const given = own ?? envoys ?? "1";
  const workers = given === "auto" ? availableParallelism() : Number(given);
  if (!(Number.isInteger(workers) && workers >= 1 && workers <= WORKERS_MAX)) {
    throw new TypeError(`--workers must be auto or in [1, ${WORKERS_MAX}], got "${given}"`);
  }
  return workers;
}
