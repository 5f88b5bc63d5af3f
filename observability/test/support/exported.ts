// What the packages export: every family of theirs, on live objects, from the same examples against
// which the guards of the house hold the READMEs.
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Registry } from "prom-client";

const packages = path.resolve(import.meta.dirname, "../../../packages");

/** The registry that a process with breakers and every policy would show. */
export async function exportedRegistry(): Promise<Registry> {
  const registry = new Registry();
  for (const name of ["circuit-breaker", "resilience"]) {
    const file = path.join(packages, name, "test/metrics-example.ts");
    const example = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      registerExample(registry: Registry): void | Promise<void>;
    };
    await example.registerExample(registry);
  }
  return registry;
}

/** The names of its metrics, as they are scraped; none of them is a histogram. */
export async function exportedNames(): Promise<Set<string>> {
  const registry = await exportedRegistry();
  return new Set(registry.getMetricsAsArray().map(({ name }) => name));
}

/**
 * The exposition with every counter at `scrapes` times its place in the text: as if all of them
 * were busy, each with a rate of its own. Gauges stay as they are.
 */
export function busy(exposition: string, scrapes: number): string {
  let type = "";
  let place = 0;
  const lines = exposition.split("\n").map((line) => {
    if (line.startsWith("# TYPE ")) type = line.split(" ")[3] ?? "";
    if (line === "" || line.startsWith("#") || type !== "counter") return line;
    return line.replace(/ \S+$/, ` ${++place * scrapes}`);
  });
  return lines.join("\n");
}
