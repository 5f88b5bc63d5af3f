// The rules of prometheus/rules, as data.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";

/** observability/prometheus on this machine. */
export const prometheusFolder = path.resolve(import.meta.dirname, "../../prometheus");

/** An alert, or a series that is recorded. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: { readonly severity?: string };
  readonly annotations?: {
    readonly summary?: string;
    readonly description?: string;
    readonly runbook?: string;
  };
}

/** The files of rules, with absolute paths. */
export function ruleFiles(): string[] {
  return filesIn("rules", ".rules.yml");
}

/** The files of promtool's tests, with absolute paths. */
export function ruleTestFiles(): string[] {
  return filesIn("tests", ".test.yml");
}

/** Every rule, in the order of files and groups. */
export function readRules(): Rule[] {
  return ruleFiles().flatMap((file) => {
    const { groups } = parse(readFileSync(file, "utf8")) as { groups: { rules: Rule[] }[] };
    return groups.flatMap(({ rules }) => rules);
  });
}

function filesIn(folder: string, suffix: string): string[] {
  const absolute = path.join(prometheusFolder, folder);
  const names = readdirSync(absolute).filter((name) => name.endsWith(suffix));
  return names.sort().map((name) => path.join(absolute, name));
}
