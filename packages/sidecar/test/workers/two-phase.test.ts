// A configuration in two steps: everything that can be refused is found out before anything has
// changed, and who connects in between waits. And who comes late, when a drain has begun already.
import { connect, createServer, type Socket } from "node:net";
import { ManualClock } from "@compendium/runtime";
import { expect, onTestFinished, test } from "vitest";
import { NodeCodec } from "../../src/codec/node/node-codec.ts";
import type { Snapshot } from "../../src/config/snapshot.ts";
import { DataPlane } from "../../src/listener/data-plane.ts";
import { listenOn, snapshotOf, startProxy } from "../proxy/harness.ts";
import { makeClient, startUpstream } from "../proxy/peers.ts";

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOn(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function open(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

const ask = async (port: number): Promise<string> => {
  using client = makeClient("h1", port);
  const { status, body } = await client.send({});
  return `${status} ${body}`;
};

const moved = (snapshot: Snapshot, more: { port: number; name?: string }): Snapshot => {
  const { name = "in" } = more;
  const listener = { ...snapshot.listeners.get("in")!, ...more };
  return { ...snapshot, version: `at ${more.port}`, listeners: new Map([[name, listener]]) };
};

test("what is prepared changes nothing; who connects to it waits until it is committed", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 200, body: "hello" }));
  const proxy = { upstreamPorts: [upstream.port] };
  await using running = await startProxy(proxy);
  const before = running.plane.snapshot;
  const port = await freePort();
  const change = await running.plane.prepare(moved(snapshotOf(proxy), { port }));
  const early = open(port);
  early.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  expect([running.plane.snapshot, await ask(running.port)]).toEqual([before, "200 hello"]);
  expect(early.bytesRead).toBe(0);
  await change!.commit();
  expect(await readAll(early)).toMatch(/^HTTP\/1.1 200 [\s\S]*hello/);
  expect(running.plane.portOf("in")).toBe(port);
  await expect(ask(running.port)).rejects.toThrow("ECONNREFUSED");
});

test("what is abandoned was never there, and the next takes its turn", async () => {
  const proxy = { upstreamPorts: [] };
  await using running = await startProxy(proxy);
  const before = running.plane.snapshot;
  const port = await freePort();
  const change = await running.plane.prepare(moved(snapshotOf(proxy), { port }));
  const early = open(port);
  const next = running.plane.apply(moved(snapshotOf(proxy), { port: 0, name: "next" }));
  await new Promise((resolve) => early.once("connect", resolve));
  expect(running.plane.snapshot).toBe(before);
  change!.abandon();
  change!.abandon();
  await change!.commit();
  expect(await readAll(early).catch(() => "")).toBe("");
  await next;
  expect([...running.plane.listeners.keys()]).toEqual(["next"]);
  await expect(ask(port)).rejects.toThrow("ECONNREFUSED");
});

test("an address that cannot be had is found out before anything has changed", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 200, body: "hello" }));
  const proxy = { upstreamPorts: [upstream.port] };
  await using running = await startProxy(proxy);
  const before = running.plane.snapshot;
  const taken = createServer();
  const port = await listenOn(taken);
  onTestFinished(() => void taken.close());
  await expect(running.plane.apply(moved(snapshotOf(proxy), { port }))).rejects.toThrow(
    "EADDRINUSE",
  );
  expect([running.plane.snapshot, await ask(running.port)]).toEqual([before, "200 hello"]);
});

test("an address passes from one listener to another, with and without shared ports", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 200, body: "hello" }));
  for (const reusePort of [false, true]) {
    const port = await freePort();
    const proxy = { upstreamPorts: [upstream.port], listener: { port }, reusePort };
    await using running = await startProxy(proxy);
    await running.plane.apply(moved(snapshotOf(proxy), { port, name: "other" }));
    expect([...running.plane.listeners.keys()]).toEqual(["other"]);
    expect(await ask(port)).toBe("200 hello");
  }
});

test("a drain abandons what is prepared, and the plane can be disposed of", async () => {
  const plane = new DataPlane({ codec: new NodeCodec() });
  const port = await freePort();
  const change = await plane.prepare(snapshotOf({ upstreamPorts: [], listener: { port } }));
  plane.drain();
  await change!.commit();
  await plane[Symbol.asyncDispose]();
  expect([plane.snapshot, plane.listeners.size]).toEqual([undefined, 0]);
  await expect(ask(port)).rejects.toThrow("ECONNREFUSED");
});

test("who is still saying hello when a drain begins has one request, and is told to leave", async () => {
  await using upstream = await startUpstream("h1", () => ({ status: 200, body: "hello" }));
  await using running = await startProxy({ upstreamPorts: [upstream.port] });
  const socket = open(running.port);
  const { listener } = running.plane.listeners.get("in")!;
  // "P" may yet become the preface of HTTP/2.
  socket.write("P");
  await until(() => listener.numbers.active === 1);
  running.plane.drain();
  socket.write("OST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
  expect(await readAll(socket)).toMatch(/^HTTP\/1.1 200 [\s\S]*connection: close[\s\S]*hello/i);
});

test("who comes late to a drain and says no more is asked to leave after a while", async () => {
  const clock = new ManualClock();
  await using running = await startProxy({ upstreamPorts: [], clock });
  const { listener, managers } = running.plane.listeners.get("in")!;
  const manager = managers.get("http")!;
  manager.drain();
  const socket = open(running.port).resume();
  // A client that says what it speaks, and then nothing.
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");
  await until(() => manager.connections === 1);
  await clock.advanceAsync(5_000);
  await clock.advanceAsync(5_000);
  await until(() => listener.numbers.active === 0);
});

test("a listener that is gone counts who came in late, and takes them along when it must", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = await startUpstream("h1", async () => {
    await gate.promise;
    return { status: 200, body: "hello" };
  });
  onTestFinished(() => gate.resolve());
  const proxy = { upstreamPorts: [upstream.port] };
  const running = await startProxy(proxy);
  const { listener } = running.plane.listeners.get("in")!;
  const [late, silent] = [open(running.port), open(running.port)];
  late.write("P");
  silent.write("P");
  await until(() => listener.numbers.active === 2);
  const without = { ...snapshotOf(proxy), listeners: new Map() };
  await running.plane.apply(without);
  await running.plane.apply({ ...without, version: "another" });
  late.write("OST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
  await until(() => running.plane.active === 1);
  await running.plane[Symbol.asyncDispose]();
  await Promise.all([late, silent].map((one) => readAll(one).catch(() => "")));
  await until(() => running.plane.active + listener.numbers.active === 0);
});
