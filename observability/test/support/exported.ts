// What is exported: every family of the packages, on live objects, from the same examples against
// which the guards of the house hold the READMEs; and what Shownotes' README lists, which its own
// test holds against its services.
import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { latencySecondsBounds } from "@compendium/metrics";
import { type DescribedMetric, documentedMetrics } from "@compendium/metrics/testing";
import { Registry } from "prom-client";

const root = path.resolve(import.meta.dirname, "../../..");

/** The registry that a process with everything of these packages would show. */
export async function exportedRegistry(packages: readonly string[]): Promise<Registry> {
  const registry = new Registry();
  for (const name of packages) {
    const file = path.join(root, "packages", name, "test/metrics-example.ts");
    const example = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      registerExample(registry: Registry): void | Promise<void>;
    };
    await example.registerExample(registry);
  }
  return registry;
}

/** The names under which a package's metrics are scraped. */
export async function exportedNames(...packages: string[]): Promise<string[]> {
  const metrics = (await exportedRegistry(packages)).getMetricsAsArray();
  return metrics.flatMap((metric) => scrapedNames(metric as unknown as DescribedMetric));
}

/** What the services of Shownotes export beside what comes from packages. */
export function shownotesMetrics(): DescribedMetric[] {
  return documentedMetrics(readFileSync(path.join(root, "examples/shownotes/README.md"), "utf8"));
}

/** The names of the series of a metric: a histogram has three. */
export function scrapedNames({ name, type }: DescribedMetric): string[] {
  return type === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => name + end) : [name];
}

/** An exposition of metrics of which only the description is known. */
export function exampleOf(metrics: readonly DescribedMetric[]): string {
  const lines = metrics.flatMap(({ name, type, labels }) => {
    const pairs = labels.map((label) => `${label}="an example"`);
    const series = (end: string, ...more: string[]) => `${name}${end}{${[...pairs, ...more]}} 1`;
    const buckets = [...latencySecondsBounds, "+Inf"].map((le) => series("_bucket", `le="${le}"`));
    const histogram = [...buckets, series("_sum"), series("_count")];
    return [`# TYPE ${name} ${type}`, ...(type === "histogram" ? histogram : [series("")])];
  });
  return `${lines.join("\n")}\n`;
}

/**
 * The exposition with everything that counts at `scrapes` times its place in the text: as if all of
 * it were busy, each with a rate of its own. Gauges stay as they are.
 */
export function busy(exposition: string, scrapes: number): string {
  let type = "";
  let place = 0;
  const lines = exposition.split("\n").map((line) => {
    if (line.startsWith("# TYPE ")) type = line.split(" ")[3] ?? "";
    if (line === "" || line.startsWith("#") || type === "gauge") return line;
    return line.replace(/ \S+$/, ` ${++place * scrapes}`);
  });
  return lines.join("\n");
}
