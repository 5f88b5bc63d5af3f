// The reading of expressions, on the shapes that dashboards and rules use.
import { expect, test } from "vitest";
import { selectorsOf, substituted } from "./support/promql.ts";

const names = (expression: string): string[] => selectorsOf(expression).map(({ name }) => name);

test("a metric is found alone, with matchers, in a range and in a function", () => {
  expect(selectorsOf('up{job="a(b)"}')).toEqual([{ name: "up", text: 'up{job="a(b)"}' }]);
  expect(names("sum by (job, name) (rate(calls_total[5m]))")).toEqual(["calls_total"]);
  expect(names('max by (job)\n(state{state=~"open|half-open"}) == 1')).toEqual(["state"]);
});

test("every side of an operator counts, the operators and the labels do not", () => {
  expect(names("a_total / (b_total > 0) and on (job) c unless d or e * 2")).toEqual([
    "a_total",
    "b_total",
    "c",
    "d",
    "e",
  ]);
  expect(names("1 + 10 / 300 + 1e3 + Inf")).toEqual([]);
  expect(names("a * on (job) group_left (version) build_info offset 5m")).toEqual([
    "a",
    "build_info",
  ]);
});

test("recorded series keep their colons", () => {
  expect(names('job:a:rate5m{job=~"x"} > 0.5')).toEqual(["job:a:rate5m"]);
});

test("a matcher's value is no metric, whatever stands in it", () => {
  expect(names('a{b="rate(c[5m])",d=~"e}f"}')).toEqual(["a"]);
});

test("what Grafana fills in is filled in", () => {
  expect(substituted('rate(a{job=~"$job"}[$__rate_interval])', "8s")).toBe(
    'rate(a{job=~".*"}[8s])',
  );
});
