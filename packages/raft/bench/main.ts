// `npm run bench raft`: three nodes in one process, in memory: what the core itself costs, without
// disk and network. Every figure counts entries that all three have applied. Prints a Markdown
// table, and with `--json FILE` writes the rows. There is no peer on npm to stand beside it.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { MemoryStorage, type Message, RawNode } from "@compendium/raft";

const { values } = parseArgs({ options: { json: { type: "string" } } });

interface Peer {
  readonly node: RawNode;
  readonly storage: MemoryStorage;
  applied: number;
}

function group(): Peer[] {
  const ids = [1, 2, 3];
  const none = { votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const peers = ids.map((id) => {
    const storage = new MemoryStorage();
    const confState = { voters: ids, ...none };
    storage.applySnapshot({ index: 1, term: 1, confState, data: new Uint8Array() });
    const random = { below: () => 0 };
    const node = new RawNode({ id, storage, random, electionTicks: 10, heartbeatTicks: 1 });
    return { node, storage, applied: 1 };
  });
  peers[0]?.node.campaign();
  settle(peers);
  return peers;
}

function settle(peers: readonly Peer[]): void {
  const send = (messages: readonly Message[]) => {
    for (const message of messages) peers[message.to - 1]?.node.step(message);
  };
  for (let busy = true; busy; ) {
    busy = false;
    for (const peer of peers) {
      const { node, storage } = peer;
      if (!node.hasReady) continue;
      busy = true;
      const ready = node.ready();
      send(ready.messages);
      if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
      storage.append(ready.entries);
      send(ready.promises);
      peer.applied = ready.committedEntries.at(-1)?.index ?? peer.applied;
      node.advance();
    }
  }
  // A log that is never compacted would measure the collector.
  for (const { node, storage, applied } of peers) {
    if (applied - storage.firstIndex() < 10_000) continue;
    const { incoming } = node.status().configuration;
    const none = { votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
    storage.createSnapshot(applied, { voters: incoming, ...none }, new Uint8Array());
    storage.compact(applied - 1_000);
  }
}

/** Entries per second, the median of some rounds, each of about that many entries. */
function measure(batch: number, entries: number): number {
  const peers = group();
  const commands = Array.from({ length: batch }, () => new Uint8Array(64));
  const figures: number[] = [];
  for (let round = -3; round < 9; round++) {
    const before = Math.min(...peers.map(({ applied }) => applied));
    const startedAt = performance.now();
    for (let done = 0; done < entries; done += batch) {
      const refusal = peers[0]?.node.proposeAll(commands);
      if (refusal !== undefined) throw new Error(refusal);
      settle(peers);
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const after = Math.min(...peers.map(({ applied }) => applied));
    if (round >= 0) figures.push((after - before) / seconds);
  }
  return Number(figures.toSorted((a, b) => a - b)[figures.length >> 1]?.toPrecision(3));
}

const rows = [
  { case: "one at a time", batch: 1, entries: 20_000 },
  { case: "16 at a time", batch: 16, entries: 100_000 },
  { case: "512 at a time", batch: 512, entries: 400_000 },
].map(({ case: name, batch, entries }) => {
  const ours = measure(batch, entries);
  return { case: name, unit: "entries/s", ours, peers: {}, ratio: 1 };
});
console.log("\n| three nodes in memory, entries of 64 bytes | entries/s |\n| --- | ---: |");
for (const { case: name, ours } of rows) {
  console.log(`| ${name} | ${ours.toLocaleString("en-US")} |`);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
