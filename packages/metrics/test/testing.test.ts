import { registerMetrics } from "@compendium/metrics";
import {
  assertPromtoolClean,
  documentedMetrics,
  promtool,
  registeredMetrics,
  requireOrSkip,
} from "@compendium/metrics/testing";
import { Gauge, Registry } from "prom-client";
import { afterEach, describe, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("requireOrSkip", () => {
  const need = { name: "redis", present: false, how: "apt-get install redis-server" };

  test("skips with the reason, fails where required, passes where present", () => {
    const skip = vi.fn();
    vi.stubEnv("COMPENDIUM_REQUIRE", "docker");
    requireOrSkip({ skip }, need);
    expect(skip).toHaveBeenCalledWith("redis is absent: apt-get install redis-server");
    vi.stubEnv("COMPENDIUM_REQUIRE", "docker, redis");
    expect(() => requireOrSkip({ skip }, need)).toThrow("redis is absent");
    requireOrSkip({ skip }, { ...need, present: true });
    expect(skip).toHaveBeenCalledTimes(1);
  });
});

describe("assertPromtoolClean", () => {
  test("accepts what is clean and repeats promtool's complaint about what is not", (context) => {
    requireOrSkip(context, promtool());
    assertPromtoolClean("# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 1\n");
    expect(() => assertPromtoolClean("# TYPE calls counter\ncalls 1\n")).toThrow(/calls/);
    expect(() => assertPromtoolClean("calls{ 1\n")).toThrow("promtool check metrics");
  });
});

describe("documentedMetrics", () => {
  const table = [
    "# Package",
    "## Metrics",
    "Some prose.",
    "",
    "| name | type | labels | meaning |",
    "| --- | --- | --- | --- |",
    "| `b_total` | counter | `outcome`: success or failure, `name` | Calls. |",
    "| `a_depth` | gauge | none | Waiting. |",
    "",
    "## Measured",
    "| `c_total` | counter | none | not ours |",
  ].join("\n");

  test("reads the table under the heading, sorted", () => {
    expect(documentedMetrics(table)).toEqual([
      { name: "a_depth", type: "gauge", labels: [] },
      { name: "b_total", type: "counter", labels: ["name", "outcome"] },
    ]);
    expect(documentedMetrics(table.split("## Measured")[0] as string)).toHaveLength(2);
  });

  test("refuses a README without the table, and a row without a name", () => {
    expect(() => documentedMetrics("## Metrics\n\nNone.\n")).toThrow(SyntaxError);
    expect(() => documentedMetrics(table.replace("`a_depth`", "a_depth"))).toThrow("must have a");
  });

  test("fits what a registry says of itself, ours and prom-client's", () => {
    const registry = new Registry();
    registerMetrics(registry, [
      {
        name: "b_total",
        type: "counter",
        help: "Calls.",
        labels: { outcome: ["success"], name: ["x"] },
        collect: () => {},
      },
    ]);
    new Gauge({ name: "a_depth", help: "Waiting.", registers: [registry] });
    expect(registeredMetrics(registry)).toEqual(documentedMetrics(table));
  });
});
