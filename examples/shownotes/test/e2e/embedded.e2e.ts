// The demo as a newcomer meets it: `npm start`, as processes, on 127.0.0.1, without Docker.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LabState } from "../../src/lab.ts";
import type { Comparison } from "../../src/x1.ts";
import { chromium, openPage } from "./browser.ts";
import { commandOf, Demo, killLeftovers, NODE, pause, pssMb, survivors } from "./demo.ts";

const MINUTE_MS = 60_000;
// Children, at their most decent, take 4.5 s; the supervisor does not wait for more than 4.8 s.
const END_MS_MAX = 5_500;
const linux = {
  name: "linux",
  present: process.platform === "linux",
  how: "processes are watched through /proc, and terminals made by util-linux's script",
};

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
      expect(states.slice(0, 3)).toEqual(["open", "half-open", "open"]);
      expect(states.at(-1)).toBe("closed");
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
      if (linux.present) expect(children).toHaveLength(4);
      expect(survivors(children)).toEqual([]);
    },
    MINUTE_MS,
  );

  test(
    "kill -9 of the supervisor, while it starts its services and while it runs",
    async (context) => {
      requireOrSkip(context, linux);
      for (const moment of [1, 4]) {
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
    await demo.prints(/keys: 1 run X1 again · p pattern on\/off/);
    await demo.prints(/without breaker and bulkhead/);
    demo.type("p");
    await demo.prints(/busy: an experiment or another action is under way/);
    demo.type("q");
    expect(await demo.end()).toBe(0);
  },
  MINUTE_MS,
);

describe("npm start, with the usual ports taken", () => {
  const servers: Server[] = [];
  let demo: Demo;
  let url: string;
  let urlMs: number;
  let comparisonMs: number;

  beforeAll(async () => {
    // One that somebody else has taken is as good.
    for (const port of [3000, 4100, 6379, 8080, 9090]) {
      const server = await take(port).catch(() => undefined);
      if (server !== undefined) servers.push(server);
    }
    demo = Demo.start([]);
    url = (await demo.prints(/Shownotes is at (\S+)/))[1] as string;
    urlMs = performance.now() - demo.startedAt;
    await demo.prints(/others answered within 1 s/);
    comparisonMs = performance.now() - demo.startedAt;
  }, MINUTE_MS);

  afterAll(() => {
    for (const server of servers) server.close();
    demo.kill("SIGKILL");
  });

  const act = async (verb: string, body?: object) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(new URL(`/lab/${verb}`, url), { method: "POST", ...sent });
    expect(response.status, await response.clone().text()).toBe(200);
    return look(url);
  };

  test("takes the next free port, and says so", () => {
    expect(demo.output).toMatch(/^port 4100 is taken; trying 4101\n/);
    expect(new URL(url).port).not.toBe("4100");
  });

  test("shows the URL and the comparison, within bounds generous to a busy machine", () => {
    console.log(`URL after ${seconds(urlMs)}, comparison after ${seconds(comparisonMs)}`);
    expect(urlMs).toBeLessThan(30_000);
    expect(comparisonMs).toBeLessThan(30_000);
  });

  test("stays up without a terminal, in at most 60 MB a process", async (context) => {
    requireOrSkip(context, linux);
    const pids = [demo.pid, ...demo.children()];
    const sizes = pids.map((pid) => {
      const name = / (edge|preview) /.exec(commandOf(pid))?.[1] ?? "supervisor";
      return { name, mb: pssMb(pid) };
    });
    console.log(`PSS: ${sizes.map(({ name, mb }) => `${name} ${mb} MB`).join(", ")}`);
    expect(sizes.map(({ name }) => name).sort()).toEqual(["edge", "preview", "supervisor"]);
    for (const { name, mb } of sizes) expect(mb, name).toBeLessThanOrEqual(60);
  });

  test(
    "every action changes what GET /lab shows",
    async () => {
      expect(await act("pattern")).toMatchObject({
        pattern: false,
        breaker: { state: "disabled" },
      });
      expect(await act("pattern", { on: true })).toMatchObject({ pattern: true });
      expect(await act("fault", { on: true })).toMatchObject({ fault: true });
      await expect
        .poll(async () => (await look(url)).breaker?.state, { timeout: 10_000 })
        .toBe("open");
      await expect.poll(async () => (await look(url)).recent?.withinShare).toBeGreaterThan(0.9);
      expect(await act("fault")).toMatchObject({ fault: false });
      await act("pattern", { on: false });
      expect(await act("reset")).toMatchObject({ pattern: true, fault: false });
    },
    MINUTE_MS,
  );

  test(
    "without protection, the live load shows what slow previews do to the notes",
    async () => {
      await act("pattern", { on: false });
      await act("fault", { on: true });
      const inTime = async () => (await look(url)).recent?.withinShare;
      await expect.poll(inTime, { timeout: 20_000, interval: 250 }).toBeLessThan(0.5);
      expect((await look(url)).queued).toBeGreaterThan(0);
      expect(await act("reset")).toMatchObject({ queued: 0 });
    },
    MINUTE_MS,
  );

  test(
    "a service that dies is started again, and the state is what it says, not what was",
    async (context) => {
      requireOrSkip(context, linux);
      await act("fault", { on: true });
      const pid = demo.children().find((child) => commandOf(child).includes(" preview ")) as number;
      process.kill(pid, "SIGKILL");
      await demo.prints(
        new RegExp(`preview \\(pid ${pid}\\) was killed by SIGKILL; it is started`),
      );
      const fault = async () => (await look(url)).fault;
      await expect.poll(fault, { timeout: 10_000 }).toBe(false);
      expect(survivors([demo.pid])).toEqual([demo.pid]);
    },
    MINUTE_MS,
  );

  test(
    "the page shows it, in a real browser, without an error",
    async (context) => {
      requireOrSkip(context, chromium);
      const page = await openPage(url);
      const text = (id: string) => page.evaluate(`document.getElementById("${id}").textContent`);
      await expect.poll(() => text("breaker"), { timeout: 15_000 }).toBe("closed");
      await expect.poll(() => text("within"), { timeout: 10_000 }).toMatch(/^\d+\.\d %$/);
      expect(await text("report")).toContain("X1  Slow previews");
      await page.evaluate(`document.querySelector("[data-verb=fault]").click()`);
      await expect.poll(() => text("fault"), { timeout: 10_000 }).toBe("takes 5 s");
      expect(page.errors).toEqual([]);
      await page.close();
      await act("reset");
    },
    MINUTE_MS,
  );

  test(
    "runs the comparison again when asked",
    async () => {
      const experiment = act("experiment");
      await expect.poll(async () => (await look(url)).busy).toBe(true);
      const refused = await fetch(new URL("/lab/reset", url), { method: "POST" });
      expect([refused.status, await refused.text()]).toEqual([
        409,
        expect.stringContaining("busy"),
      ]);
      expect((await experiment).report).toContain("X1");
    },
    MINUTE_MS,
  );

  test(
    "SIGTERM ends it within 5 s, with 0, and nothing is left",
    async () => {
      // Requests that hang must not keep it.
      await act("pattern", { on: false });
      await act("fault", { on: true });
      await pause(1_000);
      const children = demo.children();
      const askedAt = performance.now();
      demo.kill("SIGTERM");
      expect(await demo.end()).toBe(0);
      expect(performance.now() - askedAt).toBeLessThan(END_MS_MAX);
      expect(survivors(children)).toEqual([]);
    },
    MINUTE_MS,
  );
});

async function look(url: string): Promise<LabState> {
  return (await (await fetch(new URL("/lab", url))).json()) as LabState;
}

function take(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
