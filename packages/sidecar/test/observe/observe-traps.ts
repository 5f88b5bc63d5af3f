// What counting and showing can get wrong, each as a program on a copy of the sources.
import assert from "node:assert/strict";
import { Histogram } from "@compendium/metrics";
import type { Reading, SidecarFamily } from "../../src/observe/readings.ts";
import { requestOf } from "./requests.ts";
import type { Subject } from "./subject.ts";

const family = (more: Partial<SidecarFamily>): SidecarFamily => ({
  name: "sidecar_things_total",
  type: "counter",
  help: "Things.",
  envoy: "x.{of}.things",
  labels: { of: ["a", "b"] },
  collect: (emit) => {
    emit(1, { of: "a" });
    emit(0, { of: "b" });
  },
  ...more,
});

export const observeTraps: Readonly<Record<string, (subject: Subject) => void | Promise<void>>> = {
  "a request counts once for its listener and its cluster, by class": ({ meter }) => {
    const all = new meter.Meter();
    const { onEnd } = all.observerOf("in");
    for (const status of [200, 204, 302, 404, 500, 503]) onEnd(requestOf({ status, cluster: "b" }));
    onEnd(requestOf({ flags: ["DC", "UT"], cluster: "b" }));
    const requests = { "1xx": 0, "2xx": 2, "3xx": 1, "4xx": 1, "5xx": 2, none: 1 };
    assert.deepEqual(all.listener("in").requests, requests);
    assert.deepEqual(all.cluster("b").requests, requests);
    assert.equal(all.listener("in").flags.DC, 1);
    assert.equal(all.listener("in").flags.UT, 1);
    assert.equal(all.listener("in").flags.UF, 0);
    assert.equal(all.listener("in").bytesReceived, 21);
    assert.equal(all.listener("in").bytesSent, 49);
  },

  "what was answered here is no request to a cluster": ({ meter }) => {
    const all = new meter.Meter();
    const { onEnd } = all.observerOf("in");
    onEnd(requestOf({ status: 404 }));
    onEnd(requestOf({ status: 503, cluster: "b", attempts: 0, flags: ["UH"] }));
    assert.equal(all.cluster("b").seconds.count, 0);
    assert.equal(all.listener("in").seconds.count, 2);
  },

  "durations are seconds": ({ meter }) => {
    const all = new meter.Meter();
    all.observerOf("in").onEnd(requestOf({ status: 200, durationMs: 1_500 }));
    assert.equal(all.listener("in").seconds.sum, 1.5);
  },

  "a name that left the configuration is forgotten, one that stays goes on": ({ meter }) => {
    const all = new meter.Meter();
    const observer = all.observerOf("in");
    all.observerOf("gone").onEnd(requestOf({ status: 200, cluster: "old" }));
    observer.onEnd(requestOf({ status: 200, cluster: "b" }));
    all.retain(new Map([["in", 0]]), new Map([["b", 0]]));
    all.observerOf("in").onEnd(requestOf({ status: 200, cluster: "b" }));
    // A request that began under the configuration before.
    observer.onEnd(requestOf({ status: 200, cluster: "b" }));
    assert.equal(all.listener("gone").seconds.count, 0);
    assert.equal(all.cluster("old").seconds.count, 0);
    assert.equal(all.listener("in").seconds.count, 3);
    assert.equal(all.cluster("b").seconds.count, 3);
  },

  "a series has Envoy's name as well, its labels filled in": ({ readings }) => {
    const [a, b] = readings.readAll([family({})]) as [Reading, Reading];
    assert.equal(a.envoy, "x.a.things");
    assert.deepEqual([readings.isUsed(a), readings.isUsed(b)], [true, false]);
    assert.deepEqual([a, b].map(readings.valueText), ["1", "0"]);
  },

  "processes add up, series by series": ({ readings }) => {
    const histogram = new Histogram([1, 2]);
    histogram.observe(1);
    histogram.observe(5);
    const families = [
      family({}),
      family({
        name: "sidecar_time_seconds",
        type: "histogram",
        labels: {},
        collect: (emit) => emit(histogram.snapshot()),
      }),
    ];
    const one = readings.readAll(families);
    const [a, b, time] = readings.sumReadings([one, one, one]);
    assert.deepEqual([a?.value, b?.value], [3, 0]);
    assert.deepEqual(time?.value, { bounds: [1, 2], counts: [3, 0, 3], sum: 18, count: 6 });
    assert.equal(readings.valueText(time!), "P50 1 P90 2 P99 2 of 6");
  },

  "text has its special characters escaped": ({ registry }) => {
    const text = registry.formatMetrics([
      {
        name: "sidecar_x",
        help: "One\nline \\ only.",
        type: "gauge",
        values: [{ value: 1, labels: { of: 'a "b"\\\nc' } }],
      },
    ]);
    const lines = [
      "# HELP sidecar_x One\\nline \\\\ only.",
      "# TYPE sidecar_x gauge",
      'sidecar_x{of="a \\"b\\"\\\\\\nc"} 1',
    ];
    assert.equal(text.trim(), lines.join("\n"));
  },

  "values of processes add up by name and labels": ({ registry }) => {
    const of = (a: number, b: number) => [
      {
        name: "sidecar_x",
        help: "X.",
        type: "gauge",
        values: [
          { value: a, labels: { of: "a" } },
          { value: b, labels: { of: "b" } },
        ],
      },
    ];
    const [sum] = registry.sumMetrics([of(1, 2), of(10, 20)]);
    assert.deepEqual(
      sum?.values.map(({ value }) => value),
      [11, 22],
    );
  },
};
