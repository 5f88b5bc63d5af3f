// `npm run bench` of this package: what a healthy proxy costs. Client, proxy and server live in
// this one process, and its CPU time is counted: wall time would measure the neighbours on a shared
// machine. The rounds are interleaved and the median of each contestant is compared. The peer is
// the least that a proxy in Node can do, two sockets piped together; "no proxy" is the floor.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { FaultProxy } from "@compendium/chaos";

interface Row {
  case: string;
  unit: string;
  ours: number;
  peers: Record<string, number>;
  /** Ours over the piped sockets: 1 means the same. */
  ratio: number;
}

const ROUNDS = 9;
const ROUND_TRIPS = 2_000;
const STREAM_BYTES = 64 * 2 ** 20;
const CHUNK = Buffer.alloc(65_536, 1);

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as { port: number }).port;
}

/** Sends 64 bytes and waits for them to come back, again and again. */
async function roundTrips(socket: Socket): Promise<void> {
  for (let i = 0; i < ROUND_TRIPS; i++) {
    socket.write(CHUNK.subarray(0, 64));
    await once(socket, "data");
  }
}

/** Sends 64 MiB to an echo and waits for all of it. */
async function stream(socket: Socket): Promise<void> {
  let missing = STREAM_BYTES;
  const done = new Promise<void>((resolve) => {
    socket.on("data", function onData(chunk: Buffer) {
      missing -= chunk.length;
      if (missing > 0) return;
      socket.off("data", onData);
      resolve();
    });
  });
  for (let sent = 0; sent < STREAM_BYTES; sent += CHUNK.length) {
    if (!socket.write(CHUNK)) await once(socket, "drain");
  }
  await done;
}

async function measure(
  ports: Readonly<Record<string, number>>,
  work: (socket: Socket) => Promise<void>,
): Promise<Record<string, number>> {
  const samples: Record<string, number[]> = {};
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, port] of Object.entries(ports)) {
      const socket = connect(port, "127.0.0.1").setNoDelay(true);
      await once(socket, "connect");
      const before = process.cpuUsage();
      await work(socket);
      const { user, system } = process.cpuUsage(before);
      socket.destroy();
      // The first rounds belong to the compiler.
      if (round < 0) samples[name] = [];
      else samples[name]?.push(user + system);
    }
  }
  const median = (list: number[]): number =>
    list.toSorted((a, b) => a - b)[list.length >> 1] as number;
  return Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, median(list)]));
}

function row(name: string, unit: string, micros: Record<string, number>, divisor: number): Row {
  const figure = (contestant: string) => Number(((micros[contestant] ?? 0) / divisor).toFixed(1));
  const peers = { "socket.pipe": figure("socket.pipe"), "no proxy": figure("no proxy") };
  const ratio = Number((figure("ours") / peers["socket.pipe"]).toFixed(2));
  return { case: name, unit, ours: figure("ours"), peers, ratio };
}

const echo = createServer((socket) =>
  socket
    .setNoDelay(true)
    .on("error", () => {})
    .pipe(socket),
);
const upstreamPort = await listening(echo);
const piped = createServer((client) => {
  const server = connect(upstreamPort, "127.0.0.1").setNoDelay(true);
  client.setNoDelay(true).on("error", () => server.destroy());
  server.on("error", () => client.destroy());
  client.pipe(server).pipe(client);
});
const pipedPort = await listening(piped);
const proxy = await FaultProxy.listen({ upstream: { port: upstreamPort } });
const ports = { ours: proxy.address.port, "socket.pipe": pipedPort, "no proxy": upstreamPort };

const rows = [
  row("round trip of 64 B", "µs CPU", await measure(ports, roundTrips), ROUND_TRIPS),
  row("64 MiB there and back", "ms CPU", await measure(ports, stream), 1_000),
];
await proxy[Symbol.asyncDispose]();
piped.close();
echo.close();

console.log("| case | unit | ours | peers | ratio |");
console.log("| --- | --- | --- | --- | --- |");
for (const { case: name, unit, ours, peers, ratio } of rows) {
  const figures = Object.entries(peers).map(([peer, figure]) => `${peer} ${figure}`);
  console.log(`| ${name} | ${unit} | ${ours} | ${figures.join(", ")} | ${ratio} |`);
}
const { values } = parseArgs({ options: { json: { type: "string" } } });
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
