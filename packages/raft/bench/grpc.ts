// `npm run bench:grpc`: what a message costs between two processes on loopback, in time and in
// processor, over GrpcTransport; beside a unary gRPC call for each message, and beside
// NodeTransport, which is bare TCP. Prints a table, and with `--json FILE` writes it too. Rounds of
// ours and of the peers take turns. The other process is this file with `--serve`.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { GrpcTransport } from "@compendium/raft/grpc";
import type { Link, Transport } from "@compendium/runtime";
import { NodeTransport } from "@compendium/runtime/node";
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";

const { values } = parseArgs({
  options: { json: { type: "string" }, serve: { type: "boolean", default: false } },
});

const ROUNDS = 7;
const SMALL = new Uint8Array(100).fill(120);
const LARGE = new Uint8Array(65_536).fill(120);
const ECHO = "/bench.Echo/Echo";
const LOCAL = "127.0.0.1:0";

/** One way of asking the other process. */
interface Way {
  readonly name: string;
  /** Sends one message, and resolves when it has come back. */
  ask(message: Uint8Array): Promise<void>;
  /** Sends so many, and resolves when the other process has them all. */
  stream(message: Uint8Array, count: number): Promise<void>;
}

interface Row {
  readonly case: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
  readonly ratio: number;
}

if (values.serve) await serve();
else await measure();

// A message that begins with 1 is to be sent back; one that begins with 2 asks for an answer once
// so many others have come.
async function serve(): Promise<void> {
  const answer = async (link: Link): Promise<void> => {
    let received = 0;
    let wanted = 0;
    for await (const message of link) {
      if (message[0] === 1) link.send(message);
      else if (message[0] === 2) wanted = countOf(message);
      else received++;
      if (wanted > 0 && received === wanted) {
        link.send(Uint8Array.of(3));
        received = 0;
        wanted = 0;
      }
    }
  };
  const overGrpc = await new GrpcTransport().listen(LOCAL, (link) => void answer(link));
  const overTcp = await new NodeTransport().listen(LOCAL, (link) => void answer(link));
  const server = new Server();
  const same = (bytes: Buffer): Buffer => bytes;
  const method = {
    path: ECHO,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  } as const;
  server.addService(
    { Echo: method },
    {
      Echo: (call: { request: Buffer }, reply: (error: null, bytes: Buffer) => void) =>
        reply(null, call.request[0] === 1 ? call.request : Buffer.alloc(0)),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(LOCAL, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  process.on("message", () => process.send?.(process.cpuUsage()));
  process.on("disconnect", () => process.exit());
  process.send?.([overGrpc.address, overTcp.address, `127.0.0.1:${port}`]);
}

function countOf({ buffer, byteOffset }: Uint8Array): number {
  return new DataView(buffer, byteOffset).getUint32(4);
}

async function measure(): Promise<void> {
  const child = fork(import.meta.filename, ["--serve"], { execArgv: process.execArgv });
  const [[overGrpc, overTcp, unary]] = (await once(child, "message")) as [string[]];
  const grpc = new GrpcTransport();
  const tcp = new NodeTransport();
  const client = new Client(unary as string, credentials.createInsecure());
  const ways = [
    await linked("stream (ours)", grpc, overGrpc as string),
    unaryWay(client),
    await linked("NodeTransport", tcp, overTcp as string),
  ];
  const rows: Row[] = [];
  await latency(ways, child, rows);
  await throughput(ways, rows);
  client.close();
  await grpc.close();
  await tcp.close();
  child.disconnect();
  print(rows);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}

async function linked(name: string, transport: Transport, address: string): Promise<Way> {
  const link = await transport.connect(address);
  const answers = link[Symbol.asyncIterator]();
  return {
    name,
    ask: async (message) => {
      link.send(message);
      await answers.next();
    },
    stream: async (message, count) => {
      const head = new Uint8Array(8);
      head[0] = 2;
      new DataView(head.buffer).setUint32(4, count);
      link.send(head);
      for (let sent = 0; sent < count; ) {
        if (link.send(message) === "queued") sent++;
        else await link.drained();
      }
      await answers.next();
    },
  };
}

function unaryWay(client: Client): Way {
  const same = (bytes: Buffer): Buffer => bytes;
  const ask = (message: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(ECHO, same, same, message as Buffer, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  return {
    name: "unary calls",
    ask,
    // As many at a time as a leader would have in flight.
    stream: async (message, count) => {
      let left = count;
      const worker = async () => {
        while (left-- > 0) await ask(message);
      };
      await Promise.all(Array.from({ length: 64 }, worker));
    },
  };
}

async function latency(ways: readonly Way[], child: ChildProcess, rows: Row[]): Promise<void> {
  for (const [label, size, count] of [
    ["100 B", 100, 2_000],
    ["64 KiB", 65_536, 500],
  ] as const) {
    const message = Buffer.alloc(size, 1);
    const halves = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
    const cpu = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
    for (let round = -2; round < ROUNDS; round++) {
      for (const { name, ask } of ways) {
        const [before, theirs] = [process.cpuUsage(), await cpuOf(child)];
        for (let at = 0; at < count; at++) {
          const startedAt = performance.now();
          await ask(message);
          if (round >= 0) halves.get(name)?.push((performance.now() - startedAt) / 2);
        }
        const spent =
          spentSince(before, process.cpuUsage()) + spentSince(theirs, await cpuOf(child));
        if (round >= 0) cpu.get(name)?.push(spent / count / 2);
      }
    }
    row(rows, `one way, ${label}, p50`, "µs", ways, (name) => quantile(halves, name, 0.5) * 1_000);
    row(rows, `one way, ${label}, p99`, "µs", ways, (name) => quantile(halves, name, 0.99) * 1_000);
    row(rows, `CPU of both ends, ${label}`, "µs", ways, (name) => quantile(cpu, name, 0.5));
  }
}

async function throughput(ways: readonly Way[], rows: Row[]): Promise<void> {
  for (const [label, message, count] of [
    ["100 B", SMALL, 20_000],
    ["64 KiB", LARGE, 1_000],
  ] as const) {
    const rates = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
    for (let round = -2; round < ROUNDS; round++) {
      for (const { name, stream } of ways) {
        const startedAt = performance.now();
        await stream(Buffer.from(message), count);
        if (round >= 0) rates.get(name)?.push(count / ((performance.now() - startedAt) / 1_000));
      }
    }
    row(rows, `stream of ${label}`, "messages/s", ways, (name) => quantile(rates, name, 0.5));
  }
}

async function cpuOf(child: ChildProcess): Promise<NodeJS.CpuUsage> {
  child.send("cpu");
  const [usage] = (await once(child, "message")) as [NodeJS.CpuUsage];
  return usage;
}

function spentSince(before: NodeJS.CpuUsage, after: NodeJS.CpuUsage): number {
  return after.user + after.system - before.user - before.system;
}

function quantile(figures: ReadonlyMap<string, number[]>, name: string, share: number): number {
  const sorted = (figures.get(name) ?? []).toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] as number;
}

function row(
  rows: Row[],
  label: string,
  unit: string,
  ways: readonly Way[],
  figure: (name: string) => number,
): void {
  const [ours = 0, ...peers] = ways.map(({ name }) => round(figure(name)));
  rows.push({
    case: label,
    unit,
    ours,
    peers: Object.fromEntries(ways.slice(1).map(({ name }, at) => [name, peers[at] as number])),
    ratio: round(ours / (peers[0] ?? Number.NaN)),
  });
}

function round(figure: number): number {
  return Number(figure.toPrecision(3));
}

function print(rows: readonly Row[]): void {
  const peers = Object.keys(rows[0]?.peers ?? {});
  console.log(`\n| case | unit | ours | ${peers.join(" | ")} | ours / ${peers[0]} |`);
  console.log(`| --- | --- | ---: |${" ---: |".repeat(peers.length + 1)}`);
  for (const { case: label, unit, ours, peers: figures, ratio } of rows) {
    const cells = [label, unit, ...[ours, ...Object.values(figures)].map(show), ratio.toFixed(2)];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

function show(figure: number): string {
  return figure.toLocaleString("en-US");
}
