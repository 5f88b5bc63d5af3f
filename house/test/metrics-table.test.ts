// DESIGN.md: "Each README lists its metrics; a test holds the list against the registry."
import path from "node:path";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import {
  exampleFile,
  guardMetricsTable,
  packagesWithMetrics,
  type Shown,
} from "../src/guards/metrics-table.ts";
import { report } from "../src/violation.ts";
import { readTree, rootFolder } from "../src/workspace.ts";
import { plant } from "./plant.ts";

const tree = readTree();

test.each(packagesWithMetrics(tree).map(({ folder }) => folder))(
  "the metrics table of %s is what its registry shows",
  async (folder) => {
    const file = `${folder}/${exampleFile}`;
    expect(tree.has(file), `${file} is missing; see "Metrics" in CONTRIBUTING.md`).toBe(true);
    const registry = new Registry();
    const example = await import(path.join(rootFolder, file));
    await example.registerExample(registry);
    const shown = registry.getMetricsAsArray() as unknown as Shown[];
    expect(shown.length, "the example registers nothing").toBeGreaterThan(0);
    expect(report(guardMetricsTable(tree, folder, shown))).toBe("");
    // Scraping once proves that the example is live: a family that cannot be read is no family.
    expect(await registry.metrics()).toContain(shown[0]?.name);
  },
);

const shown: Shown[] = [
  { name: "raft_term", type: "gauge", labelNames: [] },
  { name: "raft_messages_total", type: "counter", labelNames: ["kind", "outcome"] },
];

const judge = (...rows: string[]): string[] => {
  const head = "| name | type | labels | meaning |\n| --- | --- | --- | --- |\n";
  const files = { "packages/raft/README.md": `# raft\n\n${head}${rows.join("\n")}\n` };
  return guardMetricsTable(plant(files), "packages/raft", shown).map(
    ({ line, message }) => `${line} ${message}`,
  );
};
const term = "| `raft_term` | gauge | – | The current term. |";
const messages = "| `raft_messages_total` | counter | `outcome`, `kind` | Messages sent. |";

test("a table that says what the registry shows passes, labels in any order", () => {
  expect(judge(messages, term)).toEqual([]);
});

test("a missing table, a missing row, a row too many and a row twice are found", () => {
  const bare = plant({ "packages/raft/README.md": "# raft" });
  expect(guardMetricsTable(bare, "packages/raft", shown)).toHaveLength(1);
  expect(judge(term)).toEqual(["5 raft_messages_total is registered, but not listed"]);
  expect(judge(term, messages, "| `raft_log` | gauge | | The log. |")).toHaveLength(1);
  expect(judge(term, term, messages)).toEqual(["6 raft_term is listed twice"]);
});

test("a wrong type, wrong labels and an empty meaning are found", () => {
  expect(judge(term.replace("gauge", "counter"), messages)).toHaveLength(1);
  expect(judge(term, messages.replace("`outcome`, ", ""))).toHaveLength(1);
  expect(judge(term.replace("The current term.", ""), messages)).toHaveLength(1);
});
