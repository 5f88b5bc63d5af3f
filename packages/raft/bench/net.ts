// `npm exec -- node --conditions=@compendium/source bench/net.ts`: what a message between members
// costs. Encoding and decoding by themselves; then two members of one process over TCP on loopback:
// a ping-pong, one way of it, and as many appends as get through, with the processor's time for
// each. The peer of the ping-pong is a bare socket of node:net that echoes as many bytes.
import net from "node:net";
import { parseArgs } from "node:util";
import { type Entry, type Message, message } from "@compendium/raft";
import { systemClock, systemRandom } from "@compendium/runtime";
import { NodeTransport } from "@compendium/runtime/node";
import { decodeMessages, encodeMessages, PeerLinks, type PeerReceiver } from "../src/net/index.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "20000" } } });
const ROUNDS = Number(values.rounds);

const DATA = new Uint8Array(100).fill(7);

function append(index: number): Message {
  const entry: Entry = { term: 3, index, type: "normal", data: DATA };
  return { ...message("append", 2, 1, 3), index: index - 1, logTerm: 3, entries: [entry] };
}

function answer(index: number): Message {
  return { ...message("append-response", 1, 2, 3), index };
}

class Listener implements PeerReceiver {
  onReceive: (message: Message) => void = () => {};
  receive(message: Message): void {
    this.onReceive(message);
  }
  unreachable(): void {}
  snapshotSettled(): void {}
  admit(): undefined {}
  refused(): void {}
}

interface Side {
  readonly links: PeerLinks;
  readonly heard: Listener;
  readonly transport: NodeTransport;
}

async function pair(): Promise<[Side, Side]> {
  const sides: Side[] = [];
  for (const id of [1, 2]) {
    const transport = new NodeTransport();
    const world = { transport, clock: systemClock, random: systemRandom };
    const links = new PeerLinks({ ...world, group: "bench", address: "127.0.0.1:0" });
    const heard = new Listener();
    await links.start({ id, diskId: id }, heard);
    sides.push({ links, heard, transport });
  }
  const addresses = new Map(sides.map(({ links }, at) => [at + 1, links.address]));
  for (const { links } of sides) links.setPeers(addresses);
  return sides as [Side, Side];
}

function percentile(values: number[], part: number): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length * part)] ?? 0;
}

function print(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(52)} ${value.toFixed(2).padStart(10)} ${unit}`);
}

function codec(): void {
  const one = [append(1_000_000)];
  const frame = encodeMessages(one);
  let kept = 0;
  for (const [name, run] of [
    ["encode an append of one entry of 100 B", () => encodeMessages(one).length],
    ["decode it", () => decodeMessages(frame).length],
  ] as const) {
    for (let round = 0; round < 200_000; round++) kept += run();
    const start = process.hrtime.bigint();
    for (let round = 0; round < 1_000_000; round++) kept += run();
    print(name, Number(process.hrtime.bigint() - start) / 1e9, "µs");
  }
  if (kept === 0) throw new Error("nothing was done");
}

/** The half of a round trip, in µs. */
async function pingPong(ping: (onPong: () => void) => void): Promise<number[]> {
  const halves: number[] = [];
  await new Promise<void>((resolve) => {
    let start = 0;
    const go = (): void => {
      start = performance.now();
      ping(() => {
        halves.push((performance.now() - start) * 500);
        if (halves.length === ROUNDS) resolve();
        // On a turn of its own, as whoever waits for a disk would.
        else setImmediate(go);
      });
    };
    go();
  });
  return halves.slice(ROUNDS / 10);
}

async function members(): Promise<void> {
  const [one, two] = await pair();
  two.heard.onReceive = ({ index }) => two.links.send([answer(index + 1)]);
  let index = 0;
  const halves = await pingPong((onPong) => {
    one.heard.onReceive = onPong;
    one.links.send([append(++index)]);
  });
  print("one way of a ping-pong between members, p50", percentile(halves, 0.5), "µs");
  print("                                        p99", percentile(halves, 0.99), "µs");
  await close(one, two);
}

async function bare(): Promise<void> {
  const size = encodeMessages([append(1_000_000)]).length + 10;
  const server = net.createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("data", (bytes) => socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const socket = net.connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  const bytes = Buffer.alloc(size);
  let onPong = (): void => {};
  socket.on("data", () => onPong());
  const halves = await pingPong((next) => {
    onPong = next;
    socket.write(bytes);
  });
  print("one way of a ping-pong over bare node:net, p50", percentile(halves, 0.5), "µs");
  print("                                           p99", percentile(halves, 0.99), "µs");
  socket.destroy();
  server.close();
}

async function stream(perTurn: number): Promise<void> {
  const [one, two] = await pair();
  const count = 400_000;
  const cpu = process.cpuUsage();
  const start = performance.now();
  await new Promise<void>((resolve) => {
    let [sent, answered] = [0, 0];
    two.heard.onReceive = ({ index }) => two.links.send([answer(index + 1)]);
    one.heard.onReceive = () => {
      answered++;
      if (answered === count) resolve();
      if (answered === sent) setImmediate(turn);
    };
    const turn = (): void => {
      for (let at = 0; at < perTurn && sent < count; at++) one.links.send([append(++sent)]);
    };
    turn();
  });
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const name = `appends of 100 B and their answers, ${perTurn} a turn`;
  print(name, (count * 2) / ms, "thousand messages/s");
  print("  processor time", (user + system) / (count * 2), "µs/message");
  await close(one, two);
}

async function close(...sides: Side[]): Promise<void> {
  for (const { links } of sides) await links.close();
  for (const { transport } of sides) await transport.close();
}

codec();
await bare();
await members();
await stream(1_000);
await stream(100);
await stream(10);
