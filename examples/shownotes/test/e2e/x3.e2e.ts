// X3 as real processes: by the demo's own command, over several edges, and under k6.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { Child } from "../../src/child.ts";
import { scenario as x2Scenario } from "../../src/x2-scenario.ts";
import { runX3, type X3Comparison } from "../../src/x3.ts";
import { x3Scenario } from "../../src/x3-scenario.ts";
import { edgesAt, X3ChildStacks, type X3Source } from "../../src/x3-stacks.ts";
import { Demo, killLeftovers, NODE } from "./demo.ts";
import { expectExit, THRESHOLD_CROSSED } from "./k6.ts";
import { describeNightly, type Ended, k6, redis, run, startRedis } from "./run.ts";

const MINUTE_MS = 60_000;
const EDGES = 3;
const folder = mkdtempSync(join(tmpdir(), "shownotes-x3-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterAll(killLeftovers);

describe("npm start -- --once --experiment x3", () => {
  test(
    "exits with 0: the flood is held to its limit, and nobody else notices",
    async () => {
      const jsonFile = join(folder, "x3.json");
      const demo = Demo.start(["--once", "--experiment", "x3", "--json", jsonFile]);
      expect(await demo.end(), demo.output).toBe(0);
      expect(demo.errors).toBe("");
      console.log(demo.output);
      const { off, on, edges, objections } = JSON.parse(
        readFileSync(jsonFile, "utf8"),
      ) as X3Comparison;
      expect([edges, objections]).toEqual([1, []]);
      expect(off.measured.othersWithin).toBeLessThanOrEqual(0.2);
      expect(off.measured.admitted).toBe(off.measured.flood);
      expect(on.measured.othersWithin).toBeGreaterThanOrEqual(0.99);
      expect(on.measured.admitted).toBeLessThanOrEqual(on.measured.admittedMax);
      expect(on.measured.admitted).toBeGreaterThan(0.9 * on.predicted.admitted);
    },
    MINUTE_MS,
  );

  test(
    "exits with 1, and says why, when the token bucket is taken away",
    async () => {
      const script = fileURLToPath(new URL("without-limits.ts", import.meta.url));
      const demo = Demo.start([], [...NODE, script]);
      expect(await demo.end()).toBe(1);
      expect(demo.output).toMatch(/✘ with the limit \d+\.\d % of the others were in time, not at/);
      expect(demo.output).toMatch(
        /✘ [\d,]+ of the flood were let through, and the limit for \d\.\d\d s is \d+/,
      );
      expect(demo.output).not.toContain("✔");
    },
    MINUTE_MS,
  );
});

// As many edges as compose has, told who counts for them.
function severalEdges(redisUrl: string): { source: X3Source; deaths: string[] } {
  const deaths: string[] = [];
  const start = (...command: [string, ...string[]]) =>
    Child.start(command, (line) => deaths.push(line));
  const fresh = async () => {
    const billing = await start("billing");
    const to = ["--preview", "http://127.0.0.1:1", "--billing", billing.url.href];
    const edge = () => start("edge", ...to, "--redis", redisUrl);
    const edges = await Promise.all(Array.from({ length: EDGES }, edge));
    const stop = async () => void (await Promise.all([...edges, billing].map((it) => it.stop())));
    return { ...edgesAt(edges.map(({ url }) => url)), stop };
  };
  return { source: { fresh }, deaths };
}

async function runOn(redisUrl: string): Promise<X3Comparison> {
  const { source, deaths } = severalEdges(redisUrl);
  const never = new AbortController().signal;
  const { report, result } = await runX3(source, [x3Scenario, x2Scenario], () => {}, never);
  console.log(report);
  expect(deaths).toEqual([]);
  return result;
}

describe("three edges", () => {
  test(
    "that share a limit in Redis let through no more than one alone",
    async (context) => {
      requireOrSkip(context, redis());
      await using server = await startRedis();
      const { on, edges, objections } = await runOn(server.url);
      expect([edges, objections]).toEqual([EDGES, []]);
      expect(on.measured.admitted).toBeLessThanOrEqual(on.measured.admittedMax);
    },
    MINUTE_MS,
  );
});

describeNightly("three edges that do not share a limit", () => {
  test(
    "whose Redis is gone keep to a third of the limit each",
    async () => {
      // Nobody listens there.
      const { on, objections } = await runOn("redis://127.0.0.1:1");
      expect(objections).toEqual([]);
      expect(on.measured.withoutStore).toBeGreaterThanOrEqual(on.measured.flood);
    },
    MINUTE_MS,
  );

  test(
    "that count for themselves let through three times as much, and X3 objects",
    async () => {
      const { on, objections } = await runOn("");
      const { admitted, admittedMax } = on.measured;
      expect(admitted).toBeGreaterThan(0.9 * EDGES * admittedMax);
      expect(admitted).toBeLessThanOrEqual(EDGES * (admittedMax + 1));
      expect(objections).toContainEqual(
        expect.stringMatching(/^\d+ of the flood were let through, and the limit for/),
      );
    },
    MINUTE_MS,
  );
});

describeNightly("under k6", () => {
  beforeEach((context) => requireOrSkip(context, k6()));

  const runK6 = async (source: X3Source, settings: Record<string, string>): Promise<Ended> => {
    const stack = await source.fresh(() => {});
    try {
      const env = {
        EDGES: stack.edgeUrls.map(({ href }) => href).join(),
        K6_NO_USAGE_REPORT: "true",
        K6_AUTO_EXTENSION_RESOLUTION: "false",
        // k6 serves its own control API while it runs; here nobody asks, and its port may be taken.
        K6_ADDRESS: "",
        ...settings,
      };
      return await run(["k6", "run", "--quiet", "load-tests/x3.ts"], { env });
    } finally {
      await stack.stop();
    }
  };
  const alone = new X3ChildStacks(console.log);

  test("without a limit, the others are not served", async () => {
    expectExit(await runK6(alone, { LIMITS: "off" }), 0);
  });

  test("with it they are, and the flood gets no more than its limit", async () => {
    const ended = await runK6(alone, { LIMITS: "on" });
    expectExit(ended, 0);
    console.log(ended.output);
  });

  test("the limit's thresholds fail where there is none", async () => {
    expectExit(await runK6(alone, { LIMITS: "off", EXPECT: "on" }), THRESHOLD_CROSSED);
  });
});
