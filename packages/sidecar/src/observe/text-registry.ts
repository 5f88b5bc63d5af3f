// A registry for a process that has no other: Prometheus' text format, without prom-client, which
// whoever installs only the command need not have. It keeps what prom-client's registry keeps, and
// its values can be sent to another process and added to that one's.
//
// https://prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4
import type { MetricRegistry } from "@compendium/metrics";
import { METRICS_CONTENT_TYPE } from "@compendium/metrics/http";
import { type Combine, combineNumbers } from "./readings.ts";

/** A metric as it was when it was read; a histogram's series have names of their own. */
export interface MetricValues {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly {
    readonly value: number;
    readonly labels: Readonly<Record<string, string | number>>;
    readonly metricName?: string;
  }[];
}

interface ReadableMetric {
  readonly name: string;
  get(): Promise<MetricValues>;
}

/** Metrics by name. */
export class TextRegistry implements MetricRegistry {
  readonly contentType: string = METRICS_CONTENT_TYPE;
  readonly #metrics = new Map<string, ReadableMetric>();

  registerMetric(metric: ReadableMetric): void {
    this.#metrics.set(metric.name, metric);
  }

  getSingleMetric(name: string): unknown {
    return this.#metrics.get(name);
  }

  getMetricsAsArray(): unknown[] {
    return [...this.#metrics.values()];
  }

  removeSingleMetric(name: string): void {
    this.#metrics.delete(name);
  }

  /** What there is to show, as plain values. */
  async read(): Promise<MetricValues[]> {
    return await Promise.all([...this.#metrics.values()].map((metric) => metric.get()));
  }

  async metrics(): Promise<string> {
    return formatMetrics(await this.read());
  }
}

/** The text that Prometheus reads. */
export function formatMetrics(metrics: Iterable<MetricValues>): string {
  let text = "";
  for (const { name, help, type, values } of metrics) {
    text += `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n`;
    text += `# TYPE ${name} ${type}\n`;
    for (const { metricName = name, labels, value } of values) {
      text += `${metricName}${labelsText(labels)} ${valueText(value)}\n`;
    }
    text += "\n";
  }
  return text;
}

/**
 * The values of several processes as those of one: every series is the sum of theirs.
 *
 * @param combine which series are not, because each process has the whole of it
 */
export function sumMetrics(
  processes: Iterable<readonly MetricValues[]>,
  combine: Combine = () => "sum",
): MetricValues[] {
  const sums = new Map<string, { metric: MetricValues; series: Map<string, Series> }>();
  for (const metric of [...processes].flat()) {
    const sum = sums.get(metric.name) ?? { metric, series: new Map() };
    sums.set(metric.name, sum);
    for (const { metricName = metric.name, labels, value } of metric.values) {
      const key = metricName + labelsText(labels);
      const before = sum.series.get(key)?.value;
      const rule = combine(metric.name, labels);
      const now = before === undefined ? value : combineNumbers(rule, before, value);
      sum.series.set(key, { metricName, labels, value: now });
    }
  }
  return [...sums.values()].map(({ metric, series }) => ({
    ...metric,
    values: [...series.values()],
  }));
}

type Series = MetricValues["values"][number];

function labelsText(labels: Series["labels"]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (value: string | number): string =>
  String(value).replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');

function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
