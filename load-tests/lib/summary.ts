// The one `handleSummary` of every script: a line for each threshold, kept or crossed, instead of
// k6's two screens. `-e SUMMARY=path` writes everything that k6 knows as JSON besides.

/** The part of k6's summary data that is shown. */
export interface SummaryData {
  state: { testRunDurationMs: number };
  metrics: Record<string, Metric> & { http_reqs?: Metric };
}

interface Metric {
  type: "counter" | "gauge" | "rate" | "trend";
  contains: "default" | "time" | "data";
  values: Record<string, number> & { count?: number };
  thresholds?: Record<string, { ok: boolean }>;
}

/** What k6 calls at the end: a map from where to write to what. */
export function handleSummary(data: SummaryData): Record<string, string> {
  const { SUMMARY } = __ENV;
  const outputs: Record<string, string> = { stdout: textOf(data) };
  if (SUMMARY !== undefined && SUMMARY !== "") outputs[SUMMARY] = JSON.stringify(data, null, 2);
  return outputs;
}

function textOf({ state, metrics }: SummaryData): string {
  const lines: string[] = [];
  for (const [name, metric] of Object.entries(metrics).sort(byName)) {
    for (const [expression, { ok }] of Object.entries(metric.thresholds ?? {})) {
      const value = measured(expression, metric);
      lines.push(`  ${ok ? "✓" : "✗"} ${name.padEnd(38)} ${expression.padEnd(16)} ${value}`);
    }
  }
  const requests = metrics.http_reqs?.values.count ?? 0;
  const seconds = (state.testRunDurationMs / 1_000).toFixed(1);
  return `\n${lines.join("\n")}\n\n  ${requests} requests in ${seconds} s\n`;
}

// "p(95)<250" is about the value "p(95)", "rate>=0.99" about "rate".
function measured(expression: string, { type, contains, values }: Metric): string {
  const key = /^[^<>=!]+/.exec(expression)?.[0].trim() ?? "";
  const value = values[key];
  if (value === undefined) return "";
  if (type === "rate") {
    const { passes = 0, fails = 0 } = values;
    return `${(100 * value).toFixed(1)} % of ${passes + fails}`;
  }
  return contains === "time" ? `${value.toFixed(1)} ms` : String(value);
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
