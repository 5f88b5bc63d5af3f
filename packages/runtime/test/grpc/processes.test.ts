// Links to processes that die, stand still, or are to end by themselves.
import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { promisify } from "node:util";
import * as subject from "@compendium/runtime/grpc";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { faultOf, World } from "./world.ts";

const script = path.join(import.meta.dirname, "child.ts");
const execArgv = ["--conditions=@compendium/source"];
let world: World;

beforeEach(() => {
  world = new World(subject);
  onTestFinished(() => world[Symbol.asyncDispose]());
});

async function start(...args: string[]): Promise<{ child: ChildProcess; said: string }> {
  const child = fork(script, args, { execArgv });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [said] = (await once(child, "message")) as [string];
  return { child, said };
}

test("a listener that is killed in mid-stream breaks the link", async () => {
  const { child, said } = await start("listen");
  const near = await world.transport().connect(said);
  for (let at = 0; at < 100; at++) near.send(new Uint8Array(50_000));
  await near[Symbol.asyncIterator]().next();
  child.kill("SIGKILL");
  expect(await near.closed).toMatchObject({ code: "LINK_BROKEN" });
  expect(near.send(Uint8Array.of(1))).toBe("closed");
});

test("a client that is killed breaks the link", async () => {
  const b = world.transport();
  const { address, accepted } = await world.listening(b);
  const { child } = await start("connect", address);
  const far = await accepted;
  child.kill("SIGKILL");
  expect(await far.closed).toMatchObject({ code: "LINK_BROKEN" });
});

const restless = { keepaliveMs: 20, keepaliveTimeoutMs: 60, lingerMs: 20 };

test("a listener that stands still is noticed by its silence", async () => {
  const { child, said } = await start("listen");
  const near = await world.transport(restless).connect(said);
  near.send(Uint8Array.of(1));
  await near[Symbol.asyncIterator]().next();
  child.kill("SIGSTOP");
  expect(await near.closed).toMatchObject({ code: "LINK_BROKEN" });
});

test("a client that stands still is noticed by its silence", async () => {
  const b = world.transport(restless);
  const { address, accepted } = await world.listening(b);
  const { child } = await start("connect", address);
  const far = await accepted;
  await far[Symbol.asyncIterator]().next();
  child.kill("SIGSTOP");
  expect(await far.closed).toMatchObject({ code: "LINK_BROKEN" });
  expect(b.stats().links).toBe(0);
});

test("a peer that stands still while its queue is full is noticed as well", async () => {
  const { child, said } = await start("listen");
  const near = await world.transport(restless).connect(said);
  child.kill("SIGSTOP");
  const fault = faultOf(near);
  while (near.send(new Uint8Array(2 ** 20)) === "queued");
  await near.drained();
  expect(await fault).toMatchObject({ code: "LINK_BROKEN" });
});

test("a process that has closed what it opened ends by itself", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...execArgv, script]);
  expect(stdout).toBe("1 closed");
});
