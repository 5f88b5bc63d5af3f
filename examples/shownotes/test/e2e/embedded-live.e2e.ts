// The demo that stays up: `npm start` with the usual ports taken, and all that can be done to it.
// The tests share one demo, and each leaves it as it found it.
import type { Server } from "node:net";
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EpisodeView } from "../../src/presence-episode.ts";
import type { PresenceState } from "../../src/presence-replica.ts";
import { chromium, openPage } from "./browser.ts";
import { commandOf, Demo, END_MS_MAX, linux, look, pause, pssMb, survivors, take } from "./demo.ts";

const MINUTE_MS = 60_000;
const patient = { timeout: 20_000, interval: 100 };

const servers: Server[] = [];
let demo: Demo;
let url: string;
let urlMs: number;
let comparisonMs: number;

beforeAll(async () => {
  // What is measured is a warm start. The first on a machine strips the types of every file, which
  // takes longer, and half as much memory again.
  const first = Demo.start(["--port", "0"]);
  await first.prints(/without breaker and bulkhead/);
  first.kill("SIGTERM");
  await first.end();
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

const names = ["eu", "us", "ap"];

// There is nothing at all while a region is being started.
const readRegion = async <T>(name: string, path: string) => {
  const response = await fetch(new URL(`/regions/${name}/${path}`, url));
  return (await response.json().catch(() => ({}))) as Partial<T>;
};

// Of each region, how many others it reaches.
const regionsLinked = async () => {
  const states = await Promise.all(names.map((name) => readRegion<PresenceState>(name, "state")));
  return states.map((state) => state.peers?.length);
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
  // The registry and the regions come after the comparison.
  const pids = [demo.pid, ...(await demo.childrenReach(9))];
  await seatsOf("nobody");
  await expect.poll(regionsLinked, patient).toEqual([2, 2, 2]);
  const sizes = pids.map((pid) => {
    const name =
      / (edge|preview|billing|registry|presence) /.exec(commandOf(pid))?.[1] ?? "supervisor";
    return { name, mb: pssMb(pid) };
  });
  console.log(`PSS: ${sizes.map(({ name, mb }) => `${name} ${mb} MB`).join(", ")}`);
  expect(sizes.map(({ name }) => name).sort()).toEqual([
    "billing",
    "edge",
    "presence",
    "presence",
    "presence",
    "preview",
    "registry",
    "registry",
    "registry",
    "supervisor",
  ]);
  for (const { name, mb } of sizes) expect(mb, name).toBeLessThanOrEqual(60);
});

test("a seat is paid for once, however often the same checkout is sent", async () => {
  const checkOut = async (key: string) => {
    const headers = { "idempotency-key": key };
    const response = await fetch(new URL("/episodes/7/checkout", url), { method: "POST", headers });
    return (await response.json()) as { chargeId: string };
  };
  const receipt = await checkOut("a");
  expect(receipt).toMatchObject({ episode: "7", amountCents: 900 });
  expect(await checkOut("a")).toEqual(receipt);
  expect((await checkOut("b")).chargeId).not.toBe(receipt.chargeId);
});

// Waits until the registry answers.
const seatsOf = async (workspace: string) => {
  let body: unknown;
  const ask = async () => {
    const response = await fetch(new URL(`/workspaces/${workspace}/seats`, url));
    body = await response.json();
    return response.status;
  };
  await expect.poll(ask, patient).toBe(200);
  return body;
};

test(
  "seats are kept through the death of a member of the registry",
  async (context) => {
    requireOrSkip(context, linux);
    const checkOut = new URL("/workspaces/acme/checkout", url);
    await seatsOf("acme");
    expect(await (await fetch(checkOut, { method: "POST" })).json()).toMatchObject({
      seatsPaid: 1,
    });
    const take = async (person: string) => {
      const body = JSON.stringify({ person });
      const seats = new URL("/workspaces/acme/seats", url);
      return (await fetch(seats, { method: "POST", body })).status;
    };
    expect(await take("ada")).toBe(200);
    expect(await take("bob")).toBe(409);
    const member = demo.children().find((pid) => commandOf(pid).includes(" registry ")) as number;
    process.kill(member, "SIGKILL");
    await demo.prints(new RegExp(`registry \\(pid ${member}\\) was killed by SIGKILL; it is`));
    expect(await seatsOf("acme")).toEqual({ paid: 1, people: ["ada"] });
  },
  MINUTE_MS,
);

test(
  "regions that are cut off answer, and have each other's edits once they meet",
  async () => {
    await expect.poll(regionsLinked, patient).toEqual([2, 2, 2]);
    expect(await act("partition", { on: true })).toMatchObject({ regions: { isParted: true } });
    await expect.poll(regionsLinked, patient).toEqual([0, 0, 0]);
    for (const name of names) {
      const tag = new URL(`/regions/${name}/episodes/live/tags/from-${name}`, url);
      expect((await fetch(tag, { method: "POST" })).status).toBe(200);
    }
    await act("partition", { on: false });
    const tags = ["from-ap", "from-eu", "from-us"];
    for (const name of names) {
      const seen = async () => (await readRegion<EpisodeView>(name, "episodes/live")).tags;
      await expect.poll(seen, patient).toEqual(tags);
    }
  },
  MINUTE_MS,
);

test(
  "every action changes what GET /lab shows",
  async () => {
    expect(await act("pattern")).toMatchObject({
      pattern: false,
      breaker: { state: "disabled" },
    });
    expect(await act("pattern", { on: true })).toMatchObject({ pattern: true });
    expect(await act("fault", { on: true })).toMatchObject({ fault: true });
    await expect.poll(async () => (await look(url)).breaker?.state, patient).toBe("open");
    await expect
      .poll(async () => (await look(url)).recent?.withinShare, patient)
      .toBeGreaterThan(0.9);
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
    await expect.poll(inTime, patient).toBeLessThan(0.5);
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
    await demo.prints(new RegExp(`preview \\(pid ${pid}\\) was killed by SIGKILL; it is started`));
    const fault = async () => (await look(url)).fault;
    await expect.poll(fault, patient).toBe(false);
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
    await expect.poll(() => text("breaker"), patient).toBe("closed");
    const runs = `[...document.querySelectorAll("[data-verb=experiment]")].map((b) => b.textContent)`;
    expect(await page.evaluate(`${runs}.join()`)).toBe(
      "Run X1 1,Run X2 2,Run X3 3,Run X4 4,Run X5 5,Run X6 6,Run X9 9",
    );
    await expect.poll(() => text("within"), patient).toMatch(/^\d+\.\d %$/);
    expect(await text("report")).toContain("X1  Slow previews");
    const regions = `[...document.querySelectorAll("#regions h3")].map((it) => it.textContent)`;
    expect(await page.evaluate(`${regions}.join()`)).toBe("eu,us,ap");
    const add = `const form = document.querySelector("[data-region=us] form");
      form.firstChild.value = "typed";
      form.requestSubmit();
      const own = document.querySelector("[data-region=us] textarea");
      own.value = "noted";
      own.dispatchEvent(new Event("input"));`;
    await page.evaluate(`{ ${add} }`);
    const tags = `document.querySelector("[data-region=ap] ul").textContent`;
    await expect.poll(() => page.evaluate(tags), patient).toContain("typed");
    const notes = `document.querySelector("[data-region=ap] textarea").value`;
    await expect.poll(() => page.evaluate(notes), patient).toBe("noted");
    await page.evaluate(`document.querySelector("[data-verb=fault]").click()`);
    await expect.poll(() => text("fault"), patient).toBe("takes 5 s");
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
    await expect.poll(async () => (await look(url)).busy, patient).toBe(true);
    const refused = await fetch(new URL("/lab/reset", url), { method: "POST" });
    expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining("busy")]);
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

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
