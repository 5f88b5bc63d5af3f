// A rule over a metric that nobody exports never fires, a panel over one is empty for ever: both
// look like good news. So every name that is asked for must be exported by a package or recorded by
// a rule, and, the other way round, what is exported or recorded must be shown somewhere.
import { expect, test } from "vitest";
import { dashboards } from "../dashboards/index.ts";
import { exportedNames, scrapedNames, shownotesMetrics } from "./support/exported.ts";
import { type Asked, panelExpressions, ruleExpressions } from "./support/expressions.ts";
import { selectorsOf } from "./support/promql.ts";
import { readRules } from "./support/rules.ts";

// What Prometheus itself makes of alerts.
const builtIn = ["ALERTS"];

// What these packages export has a dashboard of its own; of the rest, what is useful is shown.
const exported = await exportedNames(
  "circuit-breaker",
  "resilience",
  "rate-limiter",
  "raft",
  "crdt",
  "crdt-sync",
  "sidecar",
);
const others = [...(await exportedNames("metrics")), ...shownotesMetrics().flatMap(scrapedNames)];
const recorded = readRules().flatMap(({ record }) => (record === undefined ? [] : [record]));
const known = new Set([...exported, ...others, ...recorded, ...builtIn]);
const panels = dashboards.flatMap(panelExpressions);

const strangers = (asked: readonly Asked[], among: ReadonlySet<string>): string[] =>
  asked.flatMap(({ where, expression }) =>
    selectorsOf(expression)
      .filter(({ name }) => !among.has(name))
      .map(({ name }) => `${where}: ${name}`),
  );

test("every metric of a rule is exported or recorded", () => {
  expect(strangers(ruleExpressions(), known)).toEqual([]);
});

test("every metric of a panel is exported or recorded", () => {
  expect(panels.length).toBeGreaterThan(30);
  expect(strangers(panels, known)).toEqual([]);
});

test("a rule or a panel over a metric that nobody exports is found", () => {
  const renamed = { where: "an alert", expression: "rate(circuit_breaker_call_total[5m]) > 0" };
  expect(strangers([renamed], known)).toEqual(["an alert: circuit_breaker_call_total"]);
  const fewer = new Set([...known].filter((name) => name !== "circuit_breaker_state"));
  expect(strangers(ruleExpressions(), fewer)).toContain(
    "CircuitBreakerNotRecovering: circuit_breaker_state",
  );
});

test("every metric of these packages stands in a panel or in a rule, every recorded one in a panel or an alert", () => {
  const asked = [...panels, ...ruleExpressions()].flatMap(({ expression }) =>
    selectorsOf(expression).map(({ name }) => name),
  );
  expect([...exported, ...recorded].filter((name) => !asked.includes(name))).toEqual([]);
});

test("recorded series are called level:metric:operations, and the level is what they are summed by", () => {
  for (const { record, expr } of readRules()) {
    if (record === undefined) continue;
    const [level = "", metric = "", operations = ""] = record.split(":");
    expect(record).toMatch(/^[a-z_]+:[a-z_]+:[a-z0-9_]+$/);
    expect(metric).toMatch(/^(circuit_breaker|resilience|rate_limiter|raft|crdt_sync|sidecar)_/);
    expect(operations).toMatch(/(rate5m|increase15m)$/);
    // The bounds of buckets are used up by the quantile.
    const summed = /sum by \(([^)]*)\)/.exec(expr)?.[1]?.replace(/, le$/, "");
    expect(level, record).toBe(summed?.replaceAll(", ", "_"));
  }
});
