import { type Family, Histogram, registerMetrics } from "@compendium/metrics";
import { Counter, Registry } from "prom-client";
import { describe, expect, test } from "vitest";

/** A family with two labels; the object behind it keeps plain numbers. */
function calls(name: string, counts: Record<string, number>): Family {
  return {
    name: "breaker_calls_total",
    type: "counter",
    help: "Calls by outcome.",
    labels: { name: [name], outcome: ["success", "failure"] },
    collect: (emit) => {
      for (const [outcome, count] of Object.entries(counts)) emit(count, { name, outcome });
    },
  };
}

const gauge = (over: Partial<Family> = {}): Family => ({
  name: "queue_depth",
  type: "gauge",
  help: "Waiting.",
  collect: (emit) => emit(3),
  ...over,
});

describe("a scrape", () => {
  test("shows what the object says now, as absolute values", async () => {
    const registry = new Registry();
    const counts = { success: 7, failure: 1 };
    registerMetrics(registry, [calls("preview", counts)]);
    expect(await registry.metrics()).toBe(
      [
        "# HELP breaker_calls_total Calls by outcome.",
        "# TYPE breaker_calls_total counter",
        'breaker_calls_total{name="preview",outcome="success"} 7',
        'breaker_calls_total{name="preview",outcome="failure"} 1',
        "",
      ].join("\n"),
    );
    counts.success = 9;
    expect(await registry.metrics()).toContain('outcome="success"} 9\n');
  });

  test("never changes state: two scrapes, two registries and a reset see the same", async () => {
    const [a, b] = [new Registry(), new Registry()];
    const counts = { success: 7 };
    for (const registry of [a, b]) registerMetrics(registry, [calls("preview", counts)]);
    const first = await a.metrics();
    expect(await a.metrics()).toBe(first);
    a.resetMetrics();
    expect(await a.metrics()).toBe(first);
    expect(await b.metrics()).toBe(first);
  });

  test("reads all families in one turn, so that their numbers agree", async () => {
    const registry = new Registry();
    let reads = 0;
    const reading = (name: string) => gauge({ name, collect: (emit) => emit(reads) });
    registerMetrics(registry, [reading("first_reading"), reading("second_reading")]);
    const scrape = registry.metrics();
    reads = 1;
    expect(await scrape).toMatch(/first_reading 0\n[\s\S]*second_reading 0\n/);
  });

  test("shows a family without labels as one bare series", async () => {
    const registry = new Registry();
    registerMetrics(registry, [gauge()]);
    expect(await registry.metrics()).toContain("\nqueue_depth 3\n");
    expect(await registry.getMetricsAsJSON()).toMatchObject([
      { name: "queue_depth", type: "gauge" },
    ]);
  });

  test("shows a histogram as running totals by le, with _sum and _count", async () => {
    const registry = new Registry();
    const histogram = new Histogram([0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value);
    registerMetrics(registry, [
      {
        name: "call_seconds",
        type: "histogram",
        help: "Duration.",
        labels: { route: ["a"] },
        collect: (emit) => emit(histogram.snapshot(), { route: "a" }),
      },
    ]);
    expect((await registry.metrics()).split("\n").slice(2)).toEqual([
      'call_seconds_bucket{le="0.1",route="a"} 2',
      'call_seconds_bucket{le="1",route="a"} 3',
      'call_seconds_bucket{le="+Inf",route="a"} 4',
      'call_seconds_sum{route="a"} 7.65',
      'call_seconds_count{route="a"} 4',
      "",
    ]);
  });

  test("works with default labels and with merged registries", async () => {
    const [a, b] = [new Registry(), new Registry()];
    registerMetrics(a, [gauge()]);
    registerMetrics(b, [gauge({ name: "other_depth" })]);
    const merged = Registry.merge([a, b]);
    merged.setDefaultLabels({ service: "edge" });
    const text = await merged.metrics();
    expect(text).toContain('queue_depth{service="edge"} 3');
    expect(text).toContain('other_depth{service="edge"} 3');
  });
});

describe("closed label sets", () => {
  const scrapeOf = async (collect: Family["collect"]) => {
    const registry = new Registry();
    registerMetrics(registry, [gauge({ labels: { state: ["open", "closed"] }, collect })]);
    return await registry.metrics();
  };

  test("a value outside the set throws a TypeError that names it", async () => {
    await expect(scrapeOf((emit) => emit(1, { state: "ajar" }))).rejects.toThrow(
      new TypeError('label "state" of queue_depth must be one of open, closed, got ajar'),
    );
  });

  test("a missing label, an undeclared label and a series handed over twice throw", async () => {
    await expect(scrapeOf((emit) => emit(1))).rejects.toThrow(/must be one of .* got undefined/);
    await expect(scrapeOf((emit) => emit(1, { state: "open", user: "x" }))).rejects.toThrow(
      'label "user" of queue_depth is not declared: [state]',
    );
    await expect(
      scrapeOf((emit) => {
        emit(1, { state: "open" });
        emit(2, { state: "open" });
      }),
    ).rejects.toThrow('queue_depth{state="open"} was handed over twice');
  });

  test("a set that grows after registration is still the set that was declared", async () => {
    const registry = new Registry();
    const states = ["open"];
    const collect: Family["collect"] = (emit) => emit(1, { state: states.at(-1) as string });
    registerMetrics(registry, [gauge({ labels: { state: states }, collect })]);
    states.push("ajar");
    await expect(registry.metrics()).rejects.toThrow("got ajar");
    registerMetrics(registry, [gauge({ labels: { state: ["ajar"] }, collect: () => {} })]);
  });

  test("the number of series is bounded at registration", () => {
    const many = Array.from({ length: 101 }, (_, i) => `v${i}`);
    expect(() =>
      registerMetrics(new Registry(), [gauge({ labels: { a: many, b: many } })]),
    ).toThrow("queue_depth must have at most 10000 series, got 10201");
  });
});

describe("registration", () => {
  test("several objects share a family when their label values keep them apart", async () => {
    const registry = new Registry();
    registerMetrics(registry, [calls("preview", { success: 1 })]);
    registerMetrics(registry, [calls("billing", { success: 2 })]);
    const text = await registry.metrics();
    expect(text.match(/# TYPE/g)).toHaveLength(1);
    expect(text).toContain('{name="preview",outcome="success"} 1');
    expect(text).toContain('{name="billing",outcome="success"} 2');
  });

  test("two sources that could hand over the same series are refused", () => {
    const registry = new Registry();
    registerMetrics(registry, [calls("preview", {})]);
    expect(() => registerMetrics(registry, [calls("preview", {})])).toThrow(
      "breaker_calls_total is registered already, with label values that overlap",
    );
    expect(() => registerMetrics(new Registry(), [gauge(), gauge()])).toThrow("overlap");
  });

  test("a family of that name with another type, help or labels is refused", () => {
    const registry = new Registry();
    registerMetrics(registry, [gauge({ labels: { a: ["x"] } })]);
    const again = (over: Partial<Family>) => () =>
      registerMetrics(registry, [gauge({ labels: { a: ["y"] }, ...over })]);
    expect(again({ type: "histogram" })).toThrow("with another type or help");
    expect(again({ help: "Other." })).toThrow("with another type or help");
    expect(again({ labels: { b: ["y"] } })).toThrow("with labels [a]");
    new Counter({ name: "taken_total", help: "h", registers: [registry] });
    expect(() =>
      registerMetrics(registry, [gauge({ name: "taken_total", type: "counter" })]),
    ).toThrow("taken_total is registered already, by something else");
  });

  test("is all or nothing", () => {
    const registry = new Registry();
    registerMetrics(registry, [gauge()]);
    expect(() => registerMetrics(registry, [gauge({ name: "new_depth" }), gauge()])).toThrow();
    expect(registry.getSingleMetric("new_depth")).toBeUndefined();
  });

  test("disposing takes out what was added, and nothing else", async () => {
    const registry = new Registry();
    const preview = registerMetrics(registry, [calls("preview", { success: 1 }), gauge()]);
    const billing = registerMetrics(registry, [calls("billing", { success: 2 })]);
    preview[Symbol.dispose]();
    preview[Symbol.dispose]();
    expect(await registry.metrics()).not.toContain("preview");
    expect(await registry.metrics()).toContain("billing");
    billing[Symbol.dispose]();
    expect(registry.getMetricsAsArray()).toEqual([]);
  });

  test("disposing after registry.clear() leaves what others have registered since", () => {
    const registry = new Registry();
    const old = registerMetrics(registry, [gauge()]);
    registry.clear();
    registerMetrics(registry, [gauge()]);
    old[Symbol.dispose]();
    expect(registry.getSingleMetric("queue_depth")).toBeDefined();
  });

  test("numbers that are none of that type fail the scrape with their name", async () => {
    const scrapeOf = (over: Partial<Family>) => {
      const registry = new Registry();
      registerMetrics(registry, [gauge(over)]);
      return registry.metrics();
    };
    const counter = { name: "x_total", type: "counter" } as const;
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(scrapeOf({ ...counter, collect: (emit) => emit(value) })).rejects.toThrow(
        `x_total must be finite and >= 0, got ${value}`,
      );
    }
    const snapshot = new Histogram([1]).snapshot();
    await expect(scrapeOf({ collect: (emit) => emit(snapshot) })).rejects.toThrow("a number");
    await expect(scrapeOf({ type: "histogram" })).rejects.toThrow("a histogram's snapshot, got 3");
    const torn = { ...snapshot, counts: [1] };
    await expect(scrapeOf({ type: "histogram", collect: (emit) => emit(torn) })).rejects.toThrow(
      "one count more than bounds",
    );
    expect(await scrapeOf({ collect: (emit) => emit(Number.NEGATIVE_INFINITY) })).toContain("-Inf");
  });
});

describe("a declaration that breaks the conventions throws, naming what it got", () => {
  test.each<[string, Partial<Family>, RegExp]>([
    ["a counter without _total", { type: "counter" }, /counter must end in _total.*queue_depth/],
    ["a gauge with _total", { name: "x_total" }, /gauge must not end in _total/],
    ["camelCase", { name: "queueDepth" }, /snake_case, got "queueDepth"/],
    ["a double underscore", { name: "queue__depth" }, /snake_case/],
    ["a colon", { name: "queue:depth" }, /snake_case/],
    ["milliseconds", { name: "call_ms" }, /base unit seconds, not ms/],
    ["percent", { name: "cpu_percent" }, /base unit ratio/],
    ["a reserved suffix", { name: "queue_count" }, /_bucket, _count or _sum/],
    ["a type in the name", { name: "queue_gauge" }, /type of a metric/],
    ["an empty help", { help: " " }, /help of queue_depth must be a sentence/],
    ["an unknown type", { type: "summary" as never }, /must be counter, gauge or histogram/],
    ["no collect", { collect: undefined as never }, /collect of queue_depth must be a function/],
    ["a camelCase label", { labels: { httpCode: ["1"] } }, /labels of queue_depth.*httpCode/],
    ["a reserved label", { labels: { le: ["1"] } }, /"le" of queue_depth is reserved/],
    ["an open label", { labels: { a: [] } }, /label "a" of queue_depth must list its values/],
    ["an empty label value", { labels: { a: [""] } }, /non-empty strings/],
    ["a repeated label value", { labels: { a: ["x", "x"] } }, /"a" of queue_depth must differ/],
  ])("%s", (_, over, message) => {
    const registry = new Registry();
    expect(() => registerMetrics(registry, [gauge(over)])).toThrow(message);
    expect(registry.getMetricsAsArray()).toEqual([]);
  });
});
