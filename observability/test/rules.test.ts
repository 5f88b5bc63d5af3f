// The rules before promtool and before their reader: each alert is tested firing and silent, and
// says what it means and what to do.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promtool, requireOrSkip } from "@compendium/metrics/testing";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { prometheusFolder, readRules, ruleFiles, ruleTestFiles } from "./support/rules.ts";

const need = promtool();
const alerts = readRules().filter(({ alert }) => alert !== undefined);
const readme = readFileSync(path.join(import.meta.dirname, "../README.md"), "utf8");

// Its complaints are the message of the error.
const run = (...args: string[]): string =>
  execFileSync("promtool", args, { encoding: "utf8", timeout: 30_000, stdio: "pipe" });

test("promtool check rules accepts every file", (context) => {
  requireOrSkip(context, need);
  expect(run("check", "rules", ...ruleFiles())).not.toContain("FAILED");
});

test("promtool check config accepts the configuration, which reads every file", (context) => {
  requireOrSkip(context, need);
  const said = run("check", "config", path.join(prometheusFolder, "prometheus.yml"));
  expect(said).toContain(`${ruleFiles().length} rule files found`);
});

test.for(ruleTestFiles().map((file) => path.basename(file)))(
  "promtool test rules: %s",
  (name, context) => {
    requireOrSkip(context, need);
    run("test", "rules", path.join(prometheusFolder, "tests", name));
  },
);

interface AlertTest {
  readonly alertname: string;
  readonly exp_alerts: readonly unknown[];
}

const tested = ruleTestFiles().flatMap((file) => {
  const { tests } = parse(readFileSync(file, "utf8")) as {
    tests: { alert_rule_test?: AlertTest[] }[];
  };
  return tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test);
});

test.each(alerts)("$alert is tested firing and silent", ({ alert }) => {
  const its = tested.filter(({ alertname }) => alertname === alert);
  expect(its.some(({ exp_alerts }) => exp_alerts.length > 0)).toBe(true);
  expect(its.some(({ exp_alerts }) => exp_alerts.length === 0)).toBe(true);
});

test.each(alerts)(
  "$alert says what it means, what to do next, and where its runbook is",
  (rule) => {
    const { alert = "", labels, annotations = {} } = rule;
    expect(labels?.severity).toMatch(/^(page|ticket)$/);
    expect(annotations.summary).toMatch(
      /\{\{ \$labels\.(name|listener|cluster|file|instance|job) \}\}/,
    );
    expect(annotations.description).toContain("Next: ");
    expect(annotations.runbook).toBe(`observability/README.md#${alert.toLowerCase()}`);
    expect(readme).toContain(`\n### ${alert}\n`);
  },
);

test("the runbook has no entry for an alert that is gone", () => {
  const entries = [...readme.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
  expect(entries.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
});
