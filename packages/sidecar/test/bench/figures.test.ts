// What the bench says must be what was measured.
import { requireOrSkip } from "@compendium/metrics/testing";
import { describe, expect, test } from "vitest";
import { CpuMeter, parseSchedstat, parseStat } from "../../bench/load/cpu-meter.ts";
import type { Figures } from "../../bench/load/slice.ts";
import { parseCpuList } from "../../bench/proxies/processors.ts";
import { makeRows, ratioTo, type Samples } from "../../bench/row.ts";

describe("processor time", () => {
  test("a thread's schedstat is nanoseconds run, nanoseconds waited, and slices", () => {
    expect(parseSchedstat("317367879 173982 17\n")).toBe(317_367.879);
    expect(() => parseSchedstat("")).toThrow(SyntaxError);
  });

  test("a process's stat counts user and system ticks, and its name may look like fields", () => {
    const fields = "S 1 2 3 4 -1 5 6 7 8 9 30 12 1 0 20 0 7";
    expect(parseStat(`77 (a) b (1 2 3) ${fields}`)).toBe(420_000);
    expect(() => parseStat("77")).toThrow(SyntaxError);
  });

  test("a process that works uses some, and no more than it says of itself", (context) => {
    const present = process.platform === "linux";
    requireOrSkip(context, { name: "linux", present, how: "run it on Linux" });
    const meter = new CpuMeter(process.pid);
    const ownBefore = process.cpuUsage();
    const beforeUs = meter.readUs();
    for (let i = 0; i < 2_000_000; i++) Math.sqrt(i);
    const usedUs = meter.readUs() - beforeUs;
    const { user, system } = process.cpuUsage(ownBefore);
    expect(usedUs).toBeGreaterThan(0);
    // The kernel brings its two accounts up to date at different moments: a tick between them.
    expect(usedUs).toBeLessThanOrEqual(user + system + 10_000);
  });

  test("processors are listed as single ones and as ranges", () => {
    expect(parseCpuList("0-2,5\n")).toEqual([0, 1, 2, 5]);
    expect(() => parseCpuList("")).toThrow(SyntaxError);
  });
});

describe("rows", () => {
  const slice = (cpuUs: number): Figures => ({ requests: 10, cpuUs, wallUs: 2 * cpuUs });
  // The machine became slower from round to round; that says nothing of the proxies.
  const samples: Samples[] = [
    ["sidecar", [slice(100), slice(300), slice(500)]],
    ["slow", [slice(200), slice(600), slice(1_000)]],
    ["quick", [slice(50), slice(100), slice(500)]],
  ];

  test("a ratio is the middle one of the rounds' own", () => {
    expect(ratioTo(samples, "slow")).toBe(0.5);
    expect(ratioTo(samples, "quick")).toBe(2);
    expect(ratioTo(samples, "absent")).toBeNaN();
  });

  test("a scenario has its processor time and its throughput", () => {
    expect(makeRows("GET", samples)).toEqual([
      {
        case: "GET",
        unit: "µs/request",
        ours: 30,
        peers: { slow: 60, quick: 10 },
        ratio: 0.5,
      },
      {
        case: "GET",
        unit: "requests/s",
        ours: 16_700,
        peers: { slow: 8_330, quick: 50_000 },
        ratio: 2,
      },
    ]);
  });
});
