// What a package's tests need to hold its metrics to the conventions: promtool's verdict on the
// exposition, and a comparison of the README's table with the registry. A metric that is documented
// and missing, or there and undocumented, is a broken promise to whoever wrote the alert.
//
// What needs a tool that is absent is skipped, with the reason and how to get it; where
// COMPENDIUM_REQUIRE names the tool, as CI does, its absence is a failure, since a skip that nobody
// sees is a hole in the net.

import { spawnSync } from "node:child_process";
import type { MetricRegistry } from "./registry.ts";

/** The part of a vitest test context that is needed here. */
export interface Skippable {
  /** Ends the test as skipped, with the reason. */
  skip(reason: string): void;
}

/** A thing that a test needs and a machine may lack. */
export interface Need {
  /** The word by which COMPENDIUM_REQUIRE knows it. */
  readonly name: string;
  /** Whether it is here. */
  readonly present: boolean;
  /** How to get it, as one line that a reader can act on. */
  readonly how: string;
}

/**
 * Returns where the thing is present, and else skips the test.
 *
 * @throws Error when it is absent and COMPENDIUM_REQUIRE lists its name
 */
export function requireOrSkip(context: Skippable, { name, present, how }: Need): void {
  if (present) return;
  const reason = `${name} is absent: ${how}`;
  const { COMPENDIUM_REQUIRE: list = "" } = process.env;
  const required = list.split(",").map((word) => word.trim());
  if (required.includes(name)) throw new Error(`${reason} (COMPENDIUM_REQUIRE names it)`);
  context.skip(reason);
}

/** Prometheus's own checker of metrics, if it is on the PATH. */
export function promtool(): Need {
  const { status } = spawnSync("promtool", ["--version"]);
  return {
    name: "promtool",
    present: status === 0,
    how: "it comes with Prometheus (Debian, Ubuntu: apt-get install prometheus)",
  };
}

/** Throws an Error with promtool's complaints unless it accepts the exposition without one. */
export function assertPromtoolClean(exposition: string): void {
  const { error, status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: exposition,
    encoding: "utf8",
    timeout: 10_000,
  });
  if (error !== undefined) throw error;
  const complaints = `${stdout}${stderr}`.trim();
  if (status !== 0 || complaints !== "") throw new Error(`promtool check metrics:\n${complaints}`);
}

/** A metric as a README or a registry describes it; sorted by name, label names sorted as well. */
export interface DescribedMetric {
  /** As Prometheus shows it, without `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  /** `counter`, `gauge`, `histogram` or `summary`. */
  readonly type: string;
  /** The names of its labels. */
  readonly labels: readonly string[];
}

/**
 * The metrics of a README: the rows of the table under its heading "Metrics", whose columns are
 * `| name | type | labels | meaning |`. Label names stand in backticks; other words are prose.
 *
 * @throws SyntaxError when there is no such table, or a row of it lacks a name or a type
 */
export function documentedMetrics(readme: string): DescribedMetric[] {
  const section = /^##+ Metrics\s*$([\s\S]*?)(?=^##? |$(?![\s\S]))/m.exec(readme)?.[1] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  const [head = "", , ...body] = rows.map(cellsOf);
  if (`${head}` !== "name,type,labels,meaning") {
    throw new SyntaxError("a table | name | type | labels | meaning | must follow ## Metrics");
  }
  return body
    .map(([name = "", type = "", labels = ""]) => {
      const described = { name: wordsOf(name)[0], type: wordsOf(type)[0] ?? type };
      if (described.name === undefined || !/^[a-z]+$/.test(described.type)) {
        throw new SyntaxError(`a row must have a \`name\` and a type, got | ${name} | ${type} |`);
      }
      return { name: described.name, type: described.type, labels: wordsOf(labels).sort() };
    })
    .sort(byName);
}

/** The metrics of a registry, in the same form. */
export function registeredMetrics(registry: MetricRegistry): DescribedMetric[] {
  const metrics = registry.getMetricsAsArray() as DescribedMetric[];
  return metrics
    .map((metric) => {
      const { labelNames = [] } = metric as { labelNames?: readonly string[] };
      return { name: metric.name, type: metric.type, labels: [...labelNames].sort() };
    })
    .sort(byName);
}

function cellsOf(row: string): string[] {
  return row
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function wordsOf(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string);
}

function byName(a: DescribedMetric, b: DescribedMetric): number {
  return a.name < b.name ? -1 : 1;
}
