// The command with two workers, as real processes: who gets connections, what a death, a reload and
// an end do to those who are served, and whether the sums are the sums.
import { appendFileSync, readFileSync } from "node:fs";
import { Agent, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ask,
  type Command,
  documentOf,
  freePort,
  isOpen,
  keptAgent,
  startCommand,
  until,
} from "./documents.ts";

const held: (() => void)[] = [];
const app = createServer((request, response) => {
  const answer = (): void => void response.end(`you asked for ${request.url}`);
  if (request.url === "/held") held.push(answer);
  else answer();
});
let upstreamPort = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  upstreamPort = (app.address() as AddressInfo).port;
});

afterAll(() => {
  app.closeAllConnections();
  app.close();
});

/** By process: what each worker of this command listens with. */
function workersOf({ process: { pid } }: Command): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.trim().split(" ").map(Number);
}

const statOf = async (command: Command, name: string): Promise<string | undefined> => {
  const { body } = await command.admin("/stats");
  return body
    .split("\n")
    .find((line) => line.startsWith(`${name}: `))
    ?.slice(name.length + 2);
};

const requestsOf = (command: Command) => statOf(command, "http.inbound.downstream_rq_2xx");

test("two workers: connections reach both, sums are exact, a death is mended, the end is clean", async () => {
  const port = await freePort();
  await using command = await startCommand(
    () => documentOf({ port, upstreamPort }),
    ...["--workers", "2", "--drain-time-s", "20"],
  );
  expect(command.err()).toBe("");
  expect(await command.admin("/ready")).toMatchObject({ status: 200, body: "LIVE\n" });
  const before = workersOf(command);
  expect(before.length).toBe(2);

  // Of forty connections all are one worker's once in 2^39 times.
  const agents = Array.from({ length: 40 }, keptAgent);
  const send = () => Promise.all(agents.map((agent) => ask({ port, agent, path: "/n" })));
  expect((await send()).every(({ status }) => status === 200)).toBe(true);
  expect(await requestsOf(command)).toBe("40");
  const { body: prometheus } = await command.admin("/stats/prometheus");
  expect(prometheus).toContain('sidecar_requests_total{listener="inbound",class="2xx"} 40\n');
  expect(prometheus).toContain('sidecar_worker_answers{worker="1"} 1\n');
  const { body: clusters } = await command.admin("/clusters");
  expect(clusters).toContain(`127.0.0.1:${upstreamPort}::rq_total::40\n`);
  expect(clusters).toContain("app::default_priority::max_connections::1024\n");

  // One that does not answer is named and left out, and what it has said stays in the sum.
  process.kill(before[0]!, "SIGSTOP");
  let answered = 0;
  const slow = agents.map((agent) => ask({ port, agent, path: "/n" }).then(() => answered++));
  await until(() => answered > 0);
  expect(await command.admin("/ready")).toMatchObject({ status: 503, body: "PRE_INITIALIZING\n" });
  expect(await statOf(command, "workers.0.answers")).toBe("0");
  const ofOther = answered;
  process.kill(before[0]!, "SIGCONT");
  await Promise.all(slow);
  expect(ofOther).toBeLessThan(40);
  expect(await requestsOf(command)).toBe("80");

  // The death of one is told by nobody but those whose connection it had.
  process.kill(before[0]!, "SIGKILL");
  const outcomes = await Promise.allSettled(
    agents.map((agent) => ask({ port, agent, path: "/n" })),
  );
  const failed = outcomes.filter(({ status }) => status === "rejected").length;
  expect(failed).toBeLessThanOrEqual(40 - ofOther);
  await until(() => command.out().includes("worker 0 (process") && workersOf(command).length === 2);
  expect(workersOf(command)).toContain(before[1]);
  expect(command.err()).toContain("for want of an answer: worker 0");
  expect(command.err()).toMatch(/worker 0 \(process \d+\) ended \(SIGKILL\); another takes its/);
  await until(async () => (await command.admin("/ready")).status === 200);
  const fresh = await Promise.all(agents.map(() => ask({ port, path: "/n" })));
  expect(fresh.every(({ status }) => status === 200)).toBe(true);
  // What the dead one had told is in the sum, and a counter does not go back.
  expect(await requestsOf(command)).toBe(String(80 + (40 - failed) + 40));
  expect(await statOf(command, "workers.0.restarts")).toBe("1");

  const last = ask({ port, path: "/held" });
  await until(() => held.length === 1);
  command.process.kill("SIGTERM");
  await until(async () => !(await isOpen(port)));
  held.pop()?.();
  expect(await last).toMatchObject({ status: 200, body: "you asked for /held" });
  expect(await command.ended).toEqual([0, null]);
  for (const agent of agents) agent.destroy();
});

test("a reload is for all workers or for none, and no request fails meanwhile", async () => {
  const port = await freePort();
  const of = (edition: string) => documentOf({ port, upstreamPort, edition });
  await using command = await startCommand(() => of("1"), "--workers", "2");
  const editions = new Map<string, number>();
  let isOver = false;
  const load = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true });
    for (let i = 0; !isOver; i++) {
      // Every other one on a connection of its own.
      const { status, edition } = await ask({ port, ...(i % 2 === 0 && { agent }) });
      const key = `${status} ${edition}`;
      editions.set(key, (editions.get(key) ?? 0) + 1);
    }
    agent.destroy();
  };
  const loads = [load(), load(), load()];
  const reads = (): number => command.out().split("inbound: ").length - 1;
  for (let edition = 2; edition <= 6; edition++) {
    command.rewrite(of(String(edition)));
    command.process.kill("SIGHUP");
    await until(() => reads() === edition);
    const seen = await Promise.all(Array.from({ length: 10 }, () => ask({ port })));
    expect(new Set(seen.map((one) => one.edition))).toEqual(new Set([String(edition)]));
  }
  // One that no worker can have: the port is somebody else's.
  command.rewrite(documentOf({ port: upstreamPort, upstreamPort, edition: "7" }));
  command.process.kill("SIGHUP");
  await until(() => command.err().includes("stays as it was"));
  expect(command.err()).toContain("EADDRINUSE");
  expect((await ask({ port })).edition).toBe("6");
  isOver = true;
  await Promise.all(loads);
  expect([...editions.keys()].filter((key) => !/^200 [1-6]$/.test(key))).toEqual([]);
  expect(await statOf(command, "listener_manager.lds.update_success")).toBe("6");
  expect(await statOf(command, "listener_manager.lds.update_rejected")).toBe("1");
  command.process.kill("SIGTERM");
  expect(await command.ended).toEqual([0, null]);
});

test("two workers and one access log: no line is torn, none is missing", async () => {
  const port = await freePort();
  const LINES = 2_000;
  await using command = await startCommand(
    (folder) => documentOf({ port, upstreamPort, log: path.join(folder, "access.log") }),
    ...["--workers", "2"],
  );
  const log = path.join(command.folder, "access.log");
  const agents = Array.from({ length: 20 }, keptAgent);
  await Promise.all(
    agents.map(async (agent, of) => {
      for (let i = 0; i < LINES / agents.length; i++)
        await ask({ port, agent, path: `/${of}/${i}` });
    }),
  );
  for (const agent of agents) agent.destroy();
  appendFileSync(log, "from outside\n");
  command.process.kill("SIGTERM");
  expect(await command.ended).toEqual([0, null]);
  const lines = readFileSync(log, "utf8").split("\n");
  const whole = new RegExp(`^/\\d+/\\d+ ${"x".repeat(1_000)} end$`);
  expect(lines.filter((line) => !whole.test(line))).toEqual(["from outside", ""]);
  expect(new Set(lines).size).toBe(LINES + 2);
});

test("without their primary workers drain, and end", async () => {
  const port = await freePort();
  await using command = await startCommand(
    () => documentOf({ port, upstreamPort }),
    ...["--workers", "2", "--drain-time-s", "20"],
  );
  const workers = workersOf(command);
  const last = ask({ port, path: "/held" });
  await until(() => held.length === 1);
  command.process.kill("SIGKILL");
  await until(async () => !(await isOpen(port)));
  held.pop()?.();
  expect((await last).status).toBe(200);
  for (const pid of workers) await until(() => !isAlive(pid));
});

function isAlive(pid: number): boolean {
  try {
    // An orphan that nobody waits for is a zombie where process 1 does not reap.
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

test("a port that somebody has, or that each worker would have another of, is refused by name", async () => {
  await using taken = await startCommand(
    () => documentOf({ port: upstreamPort, upstreamPort }),
    ...["--workers", "2"],
  );
  expect([await taken.ended, taken.err()]).toEqual([
    [1, null],
    expect.stringContaining("EADDRINUSE"),
  ]);
  await using any = await startCommand(
    () => documentOf({ port: 0, upstreamPort }),
    ...["--concurrency", "2", "--mode", "validate"],
  );
  expect(await any.ended).toEqual([1, null]);
  expect(any.err()).toContain("listener inbound: has port 0, and each of 2 workers would get");
});
