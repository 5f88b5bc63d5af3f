// The demo as a newcomer meets it: `npm start`, as processes, on 127.0.0.1, without Docker.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, describe, expect, test } from "vitest";
import type { Comparison } from "../../src/x1.ts";
import {
  commandOf,
  Demo,
  END_MS_MAX,
  killLeftovers,
  linux,
  look,
  NODE,
  survivors,
  take,
} from "./demo.ts";

const MINUTE_MS = 60_000;
afterAll(killLeftovers);

describe("npm start -- --once", () => {
  const folder = mkdtempSync(join(tmpdir(), "shownotes-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test(
    "shows what the breaker changes, checks it, and exits with 0",
    async () => {
      const jsonFile = join(folder, "x1.json");
      const demo = Demo.start(["--once", "--json", jsonFile]);
      expect(await demo.end()).toBe(0);
      expect(demo.errors).toBe("");
      expect(demo.output).toContain("✔ as expected");

      const { off, on, objections } = JSON.parse(readFileSync(jsonFile, "utf8")) as Comparison;
      console.log(
        `X1: others in time ${off.measured.othersWithin} off, ${on.measured.othersWithin} on; ` +
          `calls to preview ${off.measured.previewCalls} off, ${on.measured.previewCalls} on`,
      );
      expect(objections).toEqual([]);
      expect(off.measured.othersWithin).toBeLessThan(0.4);
      expect(on.measured.othersWithin).toBeGreaterThanOrEqual(0.99);
      expect(off.measured.previewCalls).toBe(off.predicted.previewCalls);
      const states = on.measured.transitions.map(({ to }) => to);
      expect(states).toEqual(expect.arrayContaining(["open", "half-open"]));
    },
    MINUTE_MS,
  );

  test(
    "exits with 1, and says why, when the breaker is taken away",
    async () => {
      const script = fileURLToPath(new URL("without-breaker.ts", import.meta.url));
      const demo = Demo.start([], [...NODE, script]);
      expect(await demo.end()).toBe(1);
      expect(demo.output).toMatch(
        /✘ with protection \d+\.\d+ % of the others were in time, not at/,
      );
      expect(demo.output).toContain("✘ with protection the breaker never opened");
      expect(demo.output).not.toContain("✔");
    },
    MINUTE_MS,
  );

  test(
    "cut short, it does not claim to have shown anything",
    async () => {
      const demo = Demo.start(["--once"]);
      await demo.prints(/without breaker and bulkhead/);
      demo.kill("SIGTERM");
      expect(await demo.end()).toBe(128 + 15);
    },
    MINUTE_MS,
  );
});

describe("what is asked wrongly is one line and an exit code", () => {
  test("an unknown flag: 2", async () => {
    const demo = Demo.start(["--frobnicate"]);
    expect(await demo.end()).toBe(2);
    expect(demo.output).toBe("shownotes: Unknown option '--frobnicate' (see --help)\n");
  });

  test("a port that is taken: 1, and the next step", async () => {
    const taken = await take(0);
    const port = (taken.address() as { port: number }).port;
    const demo = Demo.start(["--port", String(port)]);
    expect(await demo.end()).toBe(1);
    expect(demo.output).toBe(
      `shownotes: cannot listen on 127.0.0.1:${port} (EADDRINUSE): it is taken; ` +
        "choose another with --port, or 0 for any that is free\n",
    );
    taken.close();
  });

  test("--help says what there is: 0", async () => {
    const demo = Demo.start(["--help"]);
    expect(await demo.end()).toBe(0);
    expect(demo.output).toMatch(/^usage: npm start/);
  });
});

describe("however it ends, no process is left", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s while the first comparison runs: it exits with 0",
    async (signal) => {
      const demo = Demo.start(["--port", "0"]);
      await demo.prints(/without breaker and bulkhead/);
      const children = demo.children();
      const askedAt = performance.now();
      demo.kill(signal);
      expect(await demo.end()).toBe(0);
      expect(performance.now() - askedAt).toBeLessThan(END_MS_MAX);
      expect(demo.errors).toBe("");
      if (linux.present) expect(children).toHaveLength(6);
      expect(survivors(children)).toEqual([]);
    },
    MINUTE_MS,
  );

  test(
    "kill -9 of the supervisor, while it starts its services and while it runs",
    async (context) => {
      requireOrSkip(context, linux);
      for (const moment of [1, 6]) {
        const demo = Demo.start(["--port", "0"]);
        const children = await demo.childrenReach(moment);
        demo.kill("SIGKILL");
        expect(await demo.end()).toBe("SIGKILL");
        await expect.poll(() => survivors(children), { timeout: 10_000 }).toEqual([]);
      }
    },
    MINUTE_MS,
  );
});

test(
  "a service that dies during a comparison is one line; it is given up, and the demo goes on",
  async (context) => {
    requireOrSkip(context, linux);
    const demo = Demo.start(["--port", "0"]);
    const [, url = ""] = await demo.prints(/Shownotes is at (\S+)/);
    await demo.prints(/without breaker and bulkhead/);
    const edge = demo.children().find((pid) => commandOf(pid).includes(" edge ")) as number;
    process.kill(edge, "SIGKILL");
    await demo.prints(/edge \(pid \d+\) was killed by SIGKILL; it is started again on port \d+\n/);
    await demo.prints(/X1 was given up: one of its processes died; fresh processes are live\n/);
    expect(await look(url)).toMatchObject({ busy: false, pattern: true, fault: false });
    expect((await fetch(new URL("/episodes/1/notes", url))).status).toBe(200);
    demo.kill("SIGTERM");
    expect(await demo.end()).toBe(0);
  },
  MINUTE_MS,
);

test(
  "at a terminal, one key is one action, and q ends it",
  async (context) => {
    requireOrSkip(context, linux);
    const demo = Demo.startAtTerminal(["--port", "0"]);
    await demo.prints(
      /keys: 1 X1 · 2 X2 · 3 X3 · 4 X4 · 5 X5 · 6 X6 · 9 X9 · c cut the regions off.* · p pattern on\/off/,
    );
    await demo.prints(/without breaker and bulkhead/);
    demo.type("p");
    await demo.prints(/busy: an experiment or another action is under way/);
    demo.type("q");
    expect(await demo.end()).toBe(0);
  },
  MINUTE_MS,
);
