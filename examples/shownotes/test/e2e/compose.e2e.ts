// docker-compose.yml as a user has it: built, brought up, scraped, loaded, broken, taken down.
//
// Under a project name and ports of its own, so that it meets neither another run nor a demo that
// is up. k6 runs within the edge's network namespace: no load crosses a network.
import { requireOrSkip } from "@compendium/metrics/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { X6Comparison } from "../../src/x6.ts";
import { Demo, killLeftovers } from "./demo.ts";
import { expectX6 } from "./expect-x6.ts";
import { expectExit, shareInTime, THRESHOLD_CROSSED } from "./k6.ts";
import { describeNightly, docker, type Ended, freePort, rootFolder, run } from "./run.ts";

const need = docker();
const project = `shownotes-e2e-${process.pid}`;
const ports = { SHOWNOTES_PORT: "", PROMETHEUS_PORT: "" };
const edges = ["edge", "edge-2", "edge-3"];
const registry = ["registry-1", "registry-2", "registry-3"];
const presence = ["presence-eu", "presence-us", "presence-ap"];
const sidecars = ["edge", "preview", "billing", ...registry, ...presence].map(
  (name) => `sidecar-${name}`,
);
// What else is set for compose.
let settings: Record<string, string> = {};

const command = ["docker", "compose", "--project-name", project, "--profile", "load"] as const;

function compose(...args: string[]): Promise<Ended> {
  // The first build downloads the base image and every tool.
  return run([...command, ...args], { env: { ...ports, ...settings }, timeoutMs: 540_000 });
}

async function composed(...args: string[]): Promise<string> {
  const { code, output } = await compose(...args);
  if (code === 0) return output;
  const { output: logs } = await compose("logs", "--no-color", "--tail=40");
  throw new Error(`docker compose ${args.join(" ")} exited with ${code}:\n${output}\n${logs}`);
}

function k6(script: string, settings: Record<string, string> = {}): Promise<Ended> {
  const env = Object.entries(settings).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  // The services are up, and must stay as they are: nothing is built or started for it.
  const flags = ["--rm", "--no-deps", "--no-TTY", ...env];
  return compose("run", ...flags, "k6", "run", "--quiet", script);
}

function lab(path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${ports.SHOWNOTES_PORT}${path}`);
}

beforeAll(async () => {
  if (!need.present) return;
  ports.SHOWNOTES_PORT = String(await freePort());
  ports.PROMETHEUS_PORT = String(await freePort());
  await composed("build");
  // Not k6, which the profile would bring up as well.
  await composed("up", "--wait", "--wait-timeout=90", "lab", "prometheus");
});

afterAll(async () => {
  killLeftovers();
  if (need.present) await composed("down", "--volumes", "--remove-orphans", "--timeout=5");
});

beforeEach((context) => requireOrSkip(context, need));

test("once it is up, the lab has made its first comparison, as expected", async () => {
  const { report } = (await (await lab("/lab")).json()) as { report: string };
  expect(report).toContain("✔ as expected");
});

test("the public port serves the page, episodes and metrics, and no control", async () => {
  expect(await (await lab("/")).text()).toContain("<title>Shownotes");
  expect(await (await lab("/episodes/1/notes")).json()).toMatchObject({ id: "1" });
  expect((await lab("/readyz")).status).toBe(200);
  expect(await (await lab("/metrics")).text()).toContain("process_");
  expect((await lab("/control")).status).toBe(404);
});

// What Prometheus answers, by instance.
const queried = async (query: string): Promise<[string, number][]> => {
  const url = `http://127.0.0.1:${ports.PROMETHEUS_PORT}/api/v1/query?query=`;
  const { data } = (await (await fetch(url + encodeURIComponent(query))).json()) as {
    data: { result: { metric: { instance: string }; value: [number, string] }[] };
  };
  return data.result.map(({ metric, value }) => [metric.instance, Number(value[1])]);
};

test("Prometheus scrapes every service, and every sidecar", async () => {
  const services = ["billing", "preview", ...edges, ...registry, ...presence];
  const all = [
    ...services.map((name) => `${name}:8080 1`),
    ...sidecars.map((name) => `${name}:9901 1`),
    "lab:4100 1",
  ].sort();
  const up = async () => (await queried("up")).map(([instance, is]) => `${instance} ${is}`).sort();
  await vi.waitFor(async () => expect(await up()).toEqual(all), { timeout: 20_000 });
});

test("who comes in comes through sidecars, which say so", async () => {
  for (const region of ["eu", "us", "ap"]) await lab(`/regions/${region}/state`);
  const answered = 'sum by (instance) (sidecar_requests_total{class="2xx"}) > 0';
  const seen = async () => (await queried(answered)).map(([instance]) => instance);
  const asked = ["edge", "preview", "presence-eu", "presence-us", "presence-ap"];
  const wanted = asked.map((name) => `sidecar-${name}:9901`);
  const isThere = async () => expect(await seen()).toEqual(expect.arrayContaining(wanted));
  await vi.waitFor(isThere, { timeout: 20_000 });
});

test("the sidecar's image has nobody's rights, and no shell", async () => {
  const user = ["image", "inspect", "--format", "{{.Config.User}}", "compendium/sidecar"];
  expect((await run(["docker", ...user])).output.trim()).toBe("1000:1000");
  const shell = ["run", "--rm", "--network=none", "--entrypoint=sh", "compendium/sidecar"];
  expect(await run(["docker", ...shell])).toMatchObject({
    code: 127,
    output: expect.stringContaining('exec: "sh": executable file not found'),
  });
});

test("k6's smoke profile passes beside the lab's own load", async () => {
  expectExit(await k6("shownotes.ts"), 0);
});

test("X3 by the lab: three edges let through no more of a flood than one limit", async () => {
  const url = `http://127.0.0.1:${ports.SHOWNOTES_PORT}/lab/experiment`;
  const answer = await fetch(url, { method: "POST", body: JSON.stringify({ id: "x3" }) });
  const { report } = (await answer.json()) as { report: string };
  console.log(report);
  expect(report).toContain("to 3 edges");
  expect(report).toContain("✔ as expected");
  const [, most, admitted] = /t = (\d+); let through were (\d+)/.exec(report) ?? [];
  expect(Number(admitted)).toBeLessThanOrEqual(Number(most));
});

test("seats are taken by way of the edge, and kept by the registry", async () => {
  const post = (path: string, body: object) => {
    const url = `http://127.0.0.1:${ports.SHOWNOTES_PORT}/workspaces/acme/${path}`;
    return fetch(url, { method: "POST", body: JSON.stringify(body) });
  };
  const paid = async () => (await post("checkout", { seats: 1 })).json();
  await vi.waitFor(async () => expect(await paid()).toHaveProperty("seatsPaid"), 20_000);
  expect((await post("seats", { person: "ada" })).status).toBe(200);
  expect(await (await lab("/workspaces/acme/seats")).json()).toMatchObject({ people: ["ada"] });
});

const container = async (service: string) => (await composed("ps", "-q", service)).trim();

const docked = async (...args: string[]) => {
  const { code, output } = await run(["docker", ...args]);
  expect(code, output).toBe(0);
};

test("X6's writers in regions whose network is taken away: a column loses, a set does not", async () => {
  const network = `${project}_regions`;
  // The third is then alone as well.
  const cutOff = ["us", "ap"];
  const asked = ["run", "--rm", "--no-deps", "--no-TTY", "writers"];
  const file = `${rootFolder}docker-compose.yml`;
  const writers = Demo.start([...command.slice(1), "--file", file, ...asked], [command[0]]);
  await writers.prints(/now cut the regions off/);
  for (const region of cutOff) {
    await docked("network", "disconnect", network, await container(`presence-${region}`));
  }
  await writers.prints(/now let the regions reach each other/);
  for (const region of cutOff) {
    const alias = ["--alias", `${region}.regions`];
    await docked("network", "connect", ...alias, network, await container(`presence-${region}`));
  }
  const code = await writers.end();
  console.log(writers.output);
  expect(code, writers.output).toBe(0);
  const found = writers.output.trim().split("\n").at(-1) ?? "";
  expectX6(JSON.parse(found) as X6Comparison);
});

describe("X5's clients, while members of the registry are killed, paused and cut off", () => {
  // Who leads, as the members see it that can be asked.
  const leader = async (): Promise<string> => {
    const script =
      'Promise.allSettled([1, 2, 3].map((n) => fetch("http://registry-" + n + ":8080/status", ' +
      "{ signal: AbortSignal.timeout(500) }).then((it) => it.json()))).then((all) => " +
      "console.log(JSON.stringify(all.flatMap(({ value }) => value ?? []))))";
    const output = await composed("exec", "-T", "edge", "node", "-e", script);
    const statuses = JSON.parse(output) as { term: number; leader: number }[];
    const latest = statuses.toSorted((a, b) => b.term - a.term)[0];
    if (!latest?.leader) throw new Error(`nobody leads: ${output}`);
    return `registry-${latest.leader}`;
  };
  const led = (besides?: string) =>
    vi.waitFor(
      async () => {
        const name = await leader();
        expect(name).not.toBe(besides);
        return name;
      },
      { timeout: 20_000, interval: 200 },
    );
  const network = `${project}_default`;

  const faults: [string, (service: string) => Promise<void>, (service: string) => Promise<void>][] =
    [
      [
        "kill -9",
        async (service) => void (await composed("kill", service)),
        async (service) => void (await composed("start", service)),
      ],
      [
        "docker pause",
        async (service) => void (await composed("pause", service)),
        async (service) => void (await composed("unpause", service)),
      ],
      [
        "docker network disconnect",
        async (service) => docked("network", "disconnect", network, await container(service)),
        async (service) =>
          docked("network", "connect", "--alias", service, network, await container(service)),
      ],
    ];

  test.each(faults)(
    "%s of the leader: another one leads, nothing is lost, the history is as of one copy",
    async (_what, befall, mend) => {
      settings = { CLIENTS_SECONDS: "8" };
      const clients = compose("run", "--rm", "--no-deps", "--no-TTY", "clients");
      const first = await led();
      await befall(first);
      try {
        await led(first);
      } finally {
        await mend(first);
      }
      const { code, output } = await clients;
      settings = {};
      console.log(output);
      expect(code, output).toBe(0);
      const found = JSON.parse(output.trim().split("\n").at(-1) ?? "");
      expect(found).toMatchObject({ lost: 0, verdict: "ok" });
      expect(found.acknowledged).toBeGreaterThan(0);
    },
  );
});

describeNightly("a canary, which fails half of its calls", () => {
  const sidecar = "http://sidecar-preview";
  // From within the network, where the edge is.
  const evaluated = async (script: string) =>
    (await composed("exec", "-T", "edge", "node", "-e", `${script}.then(console.log)`)).trim();
  // Asked of the sidecar: what the edge's breaker makes of the answers is another question.
  const statuses = () =>
    evaluated(
      `Promise.all(Array.from({ length: 100 }, () => fetch("${sidecar}:8080/preview?url=a")` +
        ".then(({ status }) => status))).then((all) => [...new Set(all)].sort().join())",
    );

  beforeAll(async () => {
    if (!need.present) return;
    settings = { MESH_PREVIEW: "preview-canary" };
    await composed("up", "--wait", "--no-build", "--no-deps", "preview-2", "sidecar-preview");
  });

  afterAll(async () => {
    settings = {};
    if (!need.present) return;
    await composed("up", "--wait", "--no-build", "--no-deps", "sidecar-preview");
    await composed("rm", "--stop", "--force", "preview-2");
  });

  test("is put aside by the sidecar, and its failures with it", async () => {
    const switched = `{ method: "POST", body: JSON.stringify({ on: true }) }`;
    await evaluated(`fetch("http://preview-2:8080/control/failures", ${switched})`);
    const stats = `fetch("${sidecar}:9901/stats?filter=ejections_active").then((it) => it.text())`;
    const ejected = async () => {
      await statuses();
      expect(await evaluated(stats)).toMatch(/active: 1$/m);
    };
    await vi.waitFor(ejected, { timeout: 60_000, interval: 100 });
    expect(await statuses()).toBe("200");
  });
});

describe("X1 by k6, without the lab, on fresh containers", () => {
  // The lab would add a load of its own, which no scenario has written down.
  beforeAll(async () => {
    if (need.present) await composed("stop", "lab");
  });

  beforeEach(async (context) => {
    requireOrSkip(context, need);
    const flags = ["--wait", "--no-build", "--no-deps", "--force-recreate"];
    await composed("up", ...flags, "preview", "edge");
  });

  test("off: below 40 % of the others are in time", async () => {
    const ended = await k6("x1.ts", { PROTECTION: "off" });
    expectExit(ended, 0);
    expect(shareInTime(ended)).toBeLessThan(0.4);
  });

  test("on: at least 99 % of the others are in time", async () => {
    const ended = await k6("x1.ts", { PROTECTION: "on" });
    expectExit(ended, 0);
    expect(shareInTime(ended)).toBeGreaterThanOrEqual(0.99);
  });
});

describeNightly("X3 by k6 over three edges, without the lab, on fresh containers", () => {
  beforeAll(async () => {
    if (need.present) await composed("stop", "lab");
  });

  afterAll(async () => {
    settings = {};
    if (need.present) await fresh();
  });

  const fresh = async () => {
    const flags = ["--wait", "--no-build", "--no-deps", "--force-recreate"];
    await composed("up", ...flags, "billing", ...edges);
  };

  const admitted = ({ output }: Ended) =>
    Number(/x3_flood_admitted +count<=180 +(\d+)/.exec(output)?.[1]);

  test("without a limit, the others are not served", async () => {
    await fresh();
    expectExit(await k6("x3.ts", { LIMITS: "off" }), 0);
  });

  test("with one in Redis they are, and all edges together let through what one would", async () => {
    await fresh();
    const ended = await k6("x3.ts", { LIMITS: "on" });
    expectExit(ended, 0);
    console.log(ended.output);
    expect(admitted(ended)).toBeLessThanOrEqual(180);
  });

  test("edges that count for themselves let through three times as much, and are found out", async () => {
    settings = { SHOWNOTES_REDIS: "" };
    await fresh();
    const ended = await k6("x3.ts", { LIMITS: "on" });
    expectExit(ended, THRESHOLD_CROSSED);
    console.log(ended.output);
    expect(admitted(ended)).toBeGreaterThan(2.5 * 180);
  });
});

test("the smoke profile fails once the preview service is gone, breaker or not", async () => {
  await composed("stop", "preview");
  expectExit(await k6("shownotes.ts"), THRESHOLD_CROSSED);
});
