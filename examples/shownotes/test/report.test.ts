import { stripVTControlCharacters } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { formatComparison } from "../src/report.ts";
import { scenario } from "../src/scenario.ts";
import { predictOff, predictOn } from "../src/theory.ts";
import { type Comparison, objectionsTo } from "../src/x1.ts";

const offRun = { othersWithin: 0.253, othersP99Ms: 4_180, previewCalls: 128, transitions: [] };
const onRun = {
  othersWithin: 0.9979,
  othersP99Ms: 8.25,
  previewCalls: 38,
  transitions: [
    { to: "open", atMs: 215, reason: "slow-rate" },
    { to: "half-open", atMs: 1_219, reason: "rested" },
    { to: "open", atMs: 1_380, reason: "probes-slow" },
    { to: "half-open", atMs: 2_383, reason: "rested" },
    { to: "closed", atMs: 3_003, reason: "probes-succeeded" },
  ],
};

function compare(off = offRun, on: Comparison["on"]["measured"] = onRun): Comparison {
  return {
    off: { measured: off, predicted: predictOff(scenario) },
    on: { measured: on, predicted: predictOn(scenario) },
    objections: objectionsTo(off, on, scenario),
  };
}

const format = (comparison: Comparison) =>
  stripVTControlCharacters(formatComparison(comparison, scenario)).split("\n");

afterEach(() => vi.unstubAllEnvs());

test("measured stands beside predicted, off beside on", () => {
  expect(format(compare())).toEqual([
    "",
    "X1  Slow previews must not slow everything else",
    "  300 requests/s, 50 % of them previews; for 3.2 s a preview takes 5 s.",
    "  The edge has 128 places; with protection, previews take at most 50 of them.",
    "",
    "                                     off    theory        on    theory",
    "  others answered within 1 s      25.3 %    26.7 %    99.8 %   100.0 %",
    "  others, 99th percentile         4.18 s    4.15 s      8 ms   no wait",
    "  calls that reached preview         128       128        38        38",
    "",
    "  the breaker, in seconds after the fault began (in brackets: theory)",
    "  0.21 (0.22)  open       too many of the last calls hang",
    "  1.22 (1.23)  half-open  it has rested, and asks again with a few probes",
    "  1.38 (1.39)  open       the probes hang as well",
    "  2.38 (2.40)  half-open  it has rested, and asks again with a few probes",
    "  3.00 (–)     closed     the probes were answered: the fault is over",
    "",
    "  ✔ as expected: the breaker kept slow previews from slowing the rest",
    "",
  ]);
});

test("no line is wider than 80 columns, whatever happened", () => {
  const reasons = ["slow-rate", "failure-rate", "rested", "probes-slow", "probes-failed"];
  const others = ["probes-succeeded", "probes-late", "consecutive-failures", "operator"];
  const transitions = ["closed", "half-open", "forced-closed"].flatMap((to) =>
    [...reasons, ...others].map((reason) => ({ to, reason, atMs: 99_999 })),
  );
  const worst = { ...onRun, othersWithin: 0, othersP99Ms: Number.POSITIVE_INFINITY, transitions };
  for (const line of format(compare({ ...offRun, othersWithin: 1 }, worst))) {
    expect(line.length, line).toBeLessThanOrEqual(80);
  }
});

test("a breaker that a busy machine opened before the fault is shown as it was", () => {
  const early = { ...onRun, transitions: [{ to: "open", atMs: -310, reason: "slow-rate" }] };
  expect(format(compare(offRun, early))).toContain(
    " -0.31 (–)     open       too many of the last calls hang",
  );
});

test("what was never answered has no percentile, and is said to be so", () => {
  const hung = { ...offRun, othersP99Ms: Number.POSITIVE_INFINITY };
  expect(format(compare(hung)).join("\n")).toContain("     never    4.15 s");
});

test("each threshold that was missed is a sentence of its own", () => {
  const still = { ...onRun, othersWithin: 0.9899, transitions: [] };
  const lines = format(compare({ ...offRun, othersWithin: 0.4 }, still));
  expect(lines).toContain("  it never changed its state");
  expect(lines.filter((line) => line.includes("✘"))).toEqual([
    "  ✘ without protection 40.00 % of the others were in time, not below 40.00 %",
    "  ✘ with protection 98.99 % of the others were in time, not at least 99.00 %",
    "  ✘ with protection the breaker never opened",
  ]);
  expect(lines.some((line) => line.includes("✔"))).toBe(false);
});

test("where nothing was measured, that is an objection, too", () => {
  const nothing = { ...onRun, othersWithin: Number.NaN };
  expect(objectionsTo({ ...offRun, othersWithin: Number.NaN }, nothing, scenario)).toHaveLength(2);
});

test("NO_COLOR and a pipe get no colours, a terminal does", () => {
  vi.stubEnv("NO_COLOR", "1");
  expect(formatComparison(compare(), scenario)).not.toContain("\u001b");
  vi.stubEnv("NO_COLOR", undefined);
  vi.stubEnv("FORCE_COLOR", "1");
  expect(formatComparison(compare(), scenario)).toContain("\u001b[32m");
});
