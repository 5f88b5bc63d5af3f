// Each README lists its metrics, and the list is what the registry shows (DESIGN.md, "Metrics"): a
// dashboard is built from the table, and a renamed metric breaks it in silence. The table's head is
// `| name | type | labels | meaning |`. What the registry shows comes from the package's
// `test/metrics-example.ts`, whose `registerExample(registry)` registers every family on a live
// object; a family that the example forgets is reported as documented but not registered.
import { readPage, readTable } from "../markdown.ts";
import type { Violation } from "../violation.ts";
import { type Package, packagesOf, type Tree } from "../workspace.ts";

/** A metric as a registry shows it. */
export interface Shown {
  readonly name: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

/** The file of a package that registers its metrics, from the package's folder. */
export const exampleFile = "test/metrics-example.ts";

/** The packages that have metrics to list: those that export `./metrics` or bring an example. */
export function packagesWithMetrics(tree: Tree): Package[] {
  return packagesOf(tree).filter(
    ({ folder, entries }) => entries.has("./metrics") || tree.has(`${folder}/${exampleFile}`),
  );
}

/** Compares the table in a package's README with what its registry shows. */
export function guardMetricsTable(
  tree: Tree,
  folder: string,
  shown: readonly Shown[],
): Violation[] {
  const file = `${folder}/README.md`;
  const rows = readTable(readPage(tree.get(file) ?? ""), ["name", "type", "labels", "meaning"]);
  const violations: Violation[] = [];
  const refuse = (line: number, message: string): void => {
    violations.push({ file, line, rule: "metrics-table", message });
  };
  if (rows === undefined) {
    refuse(1, "no metrics table; add one with the head | name | type | labels | meaning |");
    return violations;
  }
  const documented = new Set<string>();
  for (const { cells, line } of rows) {
    const [name = "", type = "", labels = "", meaning = ""] = cells;
    const bare = plain(name);
    const metric = shown.find((candidate) => candidate.name === bare);
    if (documented.has(bare)) refuse(line, `${bare} is listed twice`);
    documented.add(bare);
    if (metric === undefined) {
      refuse(line, `${bare} is documented, but not registered by ${exampleFile}`);
      continue;
    }
    const expected = [...metric.labelNames].sort().join(", ");
    if (plain(type) !== metric.type) refuse(line, `${bare} is a ${metric.type}, not a ${type}`);
    if (labelsOf(labels) !== expected) {
      refuse(line, `${bare} has the labels ${expected || "(none)"}, not ${labels || "(none)"}`);
    }
    if (meaning === "") refuse(line, `${bare} has no meaning; say what it counts, and its unit`);
  }
  for (const { name } of shown) {
    if (!documented.has(name)) refuse(rows[0]?.line ?? 1, `${name} is registered, but not listed`);
  }
  return violations;
}

const plain = (cell: string): string => cell.replaceAll("`", "").trim();

const labelsOf = (cell: string): string =>
  (plain(cell).match(/[a-z_]\w*/gi) ?? [])
    .filter((word) => word !== "none")
    .sort()
    .join(", ");
