// `npm run bench simulation`: events a second of CPU time, for events that do next to nothing, so
// that what is measured is the world. The peer is the least that any asynchronous scheduler pays:
// one turn of the event loop for each event, and nothing else. With `--json FILE` writes the rows
// too.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Simulation, simulate, type World } from "@compendium/simulation";
import { quorumRegister } from "../test/quorum-register.ts";

interface Row {
  readonly case: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: Record<string, number>;
  readonly ratio: number;
}

const EVENTS = 100_000;
const ROUNDS = 7;

/** Events a second of CPU time, the median over some rounds. */
async function rate(run: () => Promise<number>): Promise<number> {
  await run();
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    const events = await run();
    const { user, system } = process.cpuUsage(before);
    rates.push((events / (user + system)) * 1e6);
  }
  return Math.round(rates.toSorted((a, b) => a - b)[ROUNDS >> 1] as number);
}

function turns(): Promise<number> {
  return new Promise((resolve) => {
    let left = EVENTS;
    const turn = (): void => {
      if (--left === 0) resolve(EVENTS);
      else setImmediate(turn);
    };
    setImmediate(turn);
  });
}

async function worlds(count: number, node: (world: World) => void): Promise<number> {
  const network = { lossPer1000: 0, duplicatesPer1000: 0 };
  const simulations = Array.from({ length: count }, (_, seed) => {
    return new Simulation({ seed, nodes: ["a", "b"], start: node, network });
  });
  const run = async (simulation: Simulation): Promise<void> => {
    while (simulation.events < EVENTS / count) await simulation.run(simulation.nowUs + 100_000);
  };
  await Promise.all(simulations.map(run));
  return simulations.reduce((sum, { events }) => sum + events, 0);
}

function timers({ clock }: World): void {
  const again = (): void => {
    clock.setTimer(clock.now() + 0.1, again);
  };
  again();
}

function datagrams({ name, datagrams }: World): void {
  const peer = name === "a" ? "b" : "a";
  datagrams.receive((message) => datagrams.send(peer, message));
  datagrams.send(peer, 1);
}

async function links({ name, transport }: World): Promise<void> {
  if (name === "b") {
    await transport.listen("b", async (link) => {
      for await (const message of link) link.send(message);
    });
    return;
  }
  const link = await transport.connect("b");
  link.send(new Uint8Array(64));
  for await (const message of link) link.send(message);
}

async function disk({ files }: World): Promise<void> {
  const file = await files.open("log", { create: "always" });
  const bytes = new Uint8Array(100);
  for (let at = 0; ; at = (at + 100) % 100_000) {
    await file.write(bytes, at);
    await file.sync();
  }
}

async function register(): Promise<number> {
  return (await simulate(quorumRegister(), { seeds: 100 })).events;
}

const { values } = parseArgs({ options: { json: { type: "string" } } });
const cases: [name: string, run: () => Promise<number>][] = [
  ["timers, 1 world", () => worlds(1, timers)],
  ["timers, 16 worlds", () => worlds(16, timers)],
  ["datagrams, 16 worlds", () => worlds(16, datagrams)],
  ["messages of a link, 16 worlds", () => worlds(16, links)],
  ["write and sync, 16 worlds", () => worlds(16, disk)],
  ["the register with faults, 100 seeds", register],
];
const peer = await rate(turns);
const rows: Row[] = [];
for (const [name, run] of cases) {
  const ours = await rate(run);
  const ratio = Number((ours / peer).toFixed(2));
  const peers = { "setImmediate alone": peer };
  rows.push({ case: name, unit: "events per second of CPU", ours, peers, ratio });
}

console.log("| case | unit | ours | setImmediate alone | ratio |");
console.log("| --- | --- | --- | --- | --- |");
for (const { case: name, unit, ours, ratio } of rows) {
  const figures = [ours, peer].map((figure) => figure.toLocaleString("en-US"));
  console.log(`| ${name} | ${unit} | ${figures.join(" | ")} | ${ratio} |`);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
