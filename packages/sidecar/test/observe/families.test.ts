// What is shown of a proxy: every family under two names, and numbers that requests have made.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import path from "node:path";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { Format, LineFormat } from "../../src/config/format.ts";
import type { TcpConfig } from "../../src/config/listener-config.ts";
import { registerSidecar } from "../../src/metrics.ts";
import { familiesOf } from "../../src/observe/families.ts";
import { readAll } from "../../src/observe/readings.ts";
import { TextRegistry } from "../../src/observe/text-registry.ts";
import { Sidecar } from "../../src/sidecar.ts";
import { clusterConfig } from "../cluster/config.ts";
import { listenOn, snapshotOf } from "../proxy/harness.ts";
import { makeClient, startUpstream } from "../proxy/peers.ts";
import { Authority, downstreamTls, Files } from "../tls/files.ts";
import { chainsOf, visit } from "../tls/proxy.ts";

const readme = readFileSync(path.join(import.meta.dirname, "../../README.md"), "utf8");

async function numbersOf(sidecar: Sidecar): Promise<(envoy: string) => number | undefined> {
  const readings = readAll(familiesOf(sidecar.numbers));
  return (envoy) => readings.find((one) => one.envoy === envoy)?.value as number | undefined;
}

test("the README gives each family's two names", async () => {
  await using sidecar = new Sidecar();
  await sidecar.apply(snapshotOf({ upstreamPorts: [1] }));
  const families = familiesOf(sidecar.numbers);
  expect(families.length).toBeGreaterThan(40);
  for (const { name, envoy } of families) {
    const row = readme.split("\n").find((line) => line.startsWith(`| \`${name}\` `));
    expect(row, name).toContain(`\`${envoy}\``);
  }
});

test("no two series have one name, neither ours nor Envoy's", async () => {
  await using sidecar = new Sidecar();
  await sidecar.apply(snapshotOf({ upstreamPorts: [1] }));
  const names = readAll(familiesOf(sidecar.numbers)).map(({ envoy }) => envoy);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => /[{}]|undefined/.test(name))).toEqual([]);
});

test("the text of this registry is that of prom-client", async () => {
  await using app = await startUpstream("h1", () => ({ status: 200 }));
  await using sidecar = new Sidecar();
  const [theirs, ours] = [new Registry(), new TextRegistry()];
  using _theirs = registerSidecar(theirs, sidecar.numbers);
  using _ours = registerSidecar(ours, sidecar.numbers);
  await sidecar.apply(snapshotOf({ upstreamPorts: [app.port] }));
  using client = makeClient("h1", sidecar.plane.portOf("in")!);
  await client.send({});
  const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
  expect(lines(await ours.metrics())).toEqual(lines(await theirs.metrics()));
});

test("more names than one source may have are shown as well", async () => {
  await using sidecar = new Sidecar();
  const snapshot = snapshotOf({ upstreamPorts: [] });
  const names = Array.from({ length: 1_300 }, (_, i) => `cluster-${i}`);
  await sidecar.apply({
    ...snapshot,
    clusters: new Map(names.map((name) => [name, clusterConfig({ name })])),
  });
  const registry = new TextRegistry();
  using _ = registerSidecar(registry, sidecar.numbers);
  expect(await registry.metrics()).toContain('sidecar_hosts{cluster="cluster-1299"} 0\n');
});

test("handshakes, certificates and refused requests are counted", async () => {
  using files = new Files();
  const endsInMs = 3_600_000;
  const pair = files.pair("app", new Authority("test").member("app", [], { endsInMs }));
  await using sidecar = new Sidecar();
  const options = { upstreamPorts: [1] };
  const filterChains = chainsOf([{ tls: downstreamTls(pair) }], options);
  await sidecar.apply(snapshotOf({ ...options, listener: { filterChains } }));
  const port = sidecar.plane.portOf("in")!;
  await visit(port, {});
  await visit(port, { ALPNProtocols: ["smtp"] });
  await visit(port, {}, "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n");
  await new Promise((resolve) =>
    connect(port, "127.0.0.1").end("plain\r\n\r\n").resume().on("close", resolve),
  );
  const number = await numbersOf(sidecar);
  expect(number("listener.in.ssl.handshake")).toBe(2);
  expect(number("listener.in.ssl.fail.alpn")).toBe(1);
  expect(number("listener.in.downstream_cx_no_chain")).toBe(1);
  expect(number("http.refused.host")).toBe(1);
  const certificate = `ssl.certificate.${pair.certificateFile}`;
  const expires = number(`${certificate}.expiration_unix_time_seconds`)!;
  expect(Math.abs(expires - (Date.now() + endsInMs) / 1_000)).toBeLessThan(600);
  expect(number(`${certificate}.lifetime_seconds`)).toBeGreaterThan(endsInMs / 1_000 - 1);
});

test("a TCP connection has a line, and its bytes are counted", async () => {
  using files = new Files();
  const log = files.write("tcp.log", "");
  const echo = createServer((socket) => void socket.pipe(socket));
  const upstreamPort = await listenOn(echo);
  await using sidecar = new Sidecar();
  const options = { upstreamPorts: [upstreamPort] };
  const line = new LineFormat(
    new Format("%REQ(:PATH)% %UPSTREAM_CLUSTER% %BYTES_RECEIVED% %BYTES_SENT% %RESPONSE_CODE%\n"),
  );
  const clusters = [
    { cluster: "backend", weight: 1, headers: { request: [], response: [] }, subset: {} },
  ];
  const filter: TcpConfig = {
    kind: "tcp",
    connectAttemptsMax: 1,
    statPrefix: "tcp",
    clusters,
    idleTimeoutMs: 0,
    hash: [],
    accessLogs: [{ path: log, line }],
    bufferBytesMax: 65_536,
  };
  const filterChains = chainsOf([{ filter }], options);
  await sidecar.apply(snapshotOf({ ...options, listener: { filterChains } }));
  await new Promise((resolve) => {
    const socket = connect(sidecar.plane.portOf("in")!, "127.0.0.1");
    socket.end("hello").resume().on("close", resolve);
  });
  while (sidecar.plane.active > 0) await new Promise((resolve) => setImmediate(resolve));
  await sidecar.accessLogs.flush();
  expect(await readFile(log, "utf8")).toBe("- backend 5 5 0\n");
  const number = await numbersOf(sidecar);
  expect(number("http.in.downstream_rq_body_bytes_received")).toBe(5);
  echo.close();
});
