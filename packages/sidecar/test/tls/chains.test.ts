// Several chains on one listener: who gets which, how many, and what a new configuration does to
// those that are there.
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ChainTable } from "../../src/listener/chain-table.ts";
import { snapshotOf } from "../proxy/harness.ts";
import { startUpstream, type Upstream } from "../proxy/peers.ts";
import { chainTraps } from "./chain-traps.ts";
import { Authority, downstreamTls, Files } from "./files.ts";
import { type ChainOptions, chainsOf, startChains, visit } from "./proxy.ts";

const files = new Files();
const group = new Authority("group");
const [one, two] = ["one", "two"].map((name) => files.pair(name, group.member(name)));
const open: AsyncDisposable[] = [];
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream("h1", ({ path }) => ({ status: 200, body: `you asked ${path}` }));
});

afterEach(async () => {
  for (const thing of open.splice(0)) await thing[Symbol.asyncDispose]();
});

afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
  files[Symbol.dispose]();
});

describe("FilterChainMatch", () => {
  test.each(Object.entries(chainTraps))("%s", (_name, trap) => trap(ChainTable));
});

async function start(chains: readonly ChainOptions[]) {
  const proxy = await startChains(chains, { upstreamPorts: [upstream.port] });
  open.push(proxy);
  return proxy;
}

const apply = (proxy: Awaited<ReturnType<typeof start>>, chains: readonly ChainOptions[]) => {
  const options = { upstreamPorts: [upstream.port] };
  const snapshot = snapshotOf(options);
  const listener = { ...snapshot.listeners.get("in")!, filterChains: chainsOf(chains, options) };
  return proxy.plane.apply({ ...snapshot, listeners: new Map([["in", listener]]) });
};

test("each server name has the certificate of its chain", async () => {
  const proxy = await start([
    { match: { serverNames: ["a.example"] }, tls: downstreamTls(one!) },
    { match: { serverNames: ["*.example"] }, tls: downstreamTls(two!) },
  ]);
  const first = await visit(proxy.port, { servername: "a.example" });
  const second = await visit(proxy.port, { servername: "b.example" });
  expect([first, second].map(({ text }) => text.slice(0, 12))).toEqual([
    "HTTP/1.1 200",
    "HTTP/1.1 200",
  ]);
  expect(first.certificate).not.toBe(second.certificate);
  expect((await visit(proxy.port, { servername: "example.org" })).text).toBe("");
  expect(proxy.plane.listeners.get("in")!.listener.numbers.noChain).toBe(1);
});

function hold(port: number, servername: string, alpn = ["http/1.1"]): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const where = { port, host: "127.0.0.1", servername };
    const options = { ...where, ALPNProtocols: alpn, rejectUnauthorized: false };
    const socket = connectTls(options, () => resolve(socket));
    socket.on("error", reject);
  });
}

const closed = (socket: TLSSocket): Promise<unknown> =>
  new Promise((resolve) => {
    socket.resume();
    socket.on("end", () => socket.end());
    socket.once("close", resolve);
  });

test("a chain has a bound of its own", async () => {
  const proxy = await start([
    { match: { serverNames: ["a.example"] }, tls: downstreamTls(one!), connectionsMax: 2 },
    { tls: downstreamTls(two!) },
  ]);
  const held = [await hold(proxy.port, "a.example"), await hold(proxy.port, "a.example")];
  await expect(hold(proxy.port, "a.example")).rejects.toThrow();
  expect(proxy.plane.listeners.get("in")!.listener.numbers.overflows).toBe(1);
  expect((await visit(proxy.port, { servername: "b.example" })).text).toContain("200 OK");
  const gone = closed(held[0]!);
  held[0]!.end();
  await gone;
  const chain = proxy.plane.listeners.get("in")!.chains.chains.get("chain 0")!;
  while (chain.numbers.active === 2) await new Promise((resolve) => setTimeout(resolve, 1));
  held.push(await hold(proxy.port, "a.example"));
  for (const socket of held) socket.destroy();
});

test("connections of a chain whose TLS changes, or that is gone, are drained; others stay", async () => {
  const names = ["a.example", "b.example", "c.example"];
  const chain = (name: string, tls = downstreamTls(one!)): ChainOptions => {
    return { name, match: { serverNames: [name] }, tls };
  };
  const proxy = await start(names.map((name) => chain(name)));
  const [a, b, c] = await Promise.all(names.map((name) => hold(proxy.port, name)));
  const late = await hold(proxy.port, "b.example", []);
  const ended = Promise.all([closed(a!), closed(b!), closed(late)]);
  const { chains } = proxy.plane.listeners.get("in")!;
  while (chains.connections < 4) await new Promise((resolve) => setTimeout(resolve, 1));
  await apply(proxy, [chain("a.example", downstreamTls(two!)), chain("c.example")]);
  // What crosses the drain is answered, and is the last.
  for (const socket of [a!, b!]) socket.resume().write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  // Nobody knew yet what it would speak.
  late.write("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
  await ended;
  expect(proxy.plane.listeners.get("in")!.managers.size).toBe(2);
  c!.write("GET /kept HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const text = await new Promise((resolve) => c!.once("data", (chunk) => resolve(String(chunk))));
  expect(text).toContain("200 OK");
  expect((await visit(proxy.port, { servername: "a.example" })).text).toContain("200 OK");
  expect((await visit(proxy.port, { servername: "b.example" })).text).toBe("");
});
