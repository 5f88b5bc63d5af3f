// `npm run bench crdt-sync [-- --json FILE]`: two texts with a common past and 1,000 units apart on
// each side meet, beside Yjs's sync protocol and Automerge's, each without a link: what one has to
// say is handed to the other in turns. Half trips and bytes are counted; the time is what the
// processor spent, the best of several meetings.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as automerge from "@automerge/automerge";
import { Text } from "@compendium/crdt";
import * as Y from "yjs";
import { exchange, Side } from "../test/core/lab.ts";

interface Meeting {
  readonly halfTrips: number;
  readonly bytes: number;
  readonly cpuMs: number;
}

type Make = (past: number, apart: number) => () => Omit<Meeting, "cpuMs">;

const ours: Make = (past, apart) => {
  const [here, there] = [new Text("a"), new Text("b")];
  edit(past, (at, units) => here.insert(at, units));
  there.merge(here.encode());
  for (const text of [here, there]) edit(apart, (at, units) => text.insert(at, units));
  return () => {
    const [a, b] = [new Side("a"), new Side("b")];
    a.open("text", here);
    b.open("text", there);
    const isSame = () => here.length === there.length && here.length === past + 2 * apart;
    const { halfTrips = -1, bytes } = exchange(a, b, isSame);
    return { halfTrips, bytes };
  };
};

// Both send their state vectors, and each what the other lacks.
const yjs: Make = (past, apart) => {
  const [here, there] = [new Y.Doc(), new Y.Doc()];
  edit(past, (at, units) => here.getText().insert(at, units));
  Y.applyUpdate(there, Y.encodeStateAsUpdate(here));
  for (const doc of [here, there]) edit(apart, (at, units) => doc.getText().insert(at, units));
  return () => {
    const [vectorA, vectorB] = [Y.encodeStateVector(here), Y.encodeStateVector(there)];
    const toB = Y.encodeStateAsUpdate(here, vectorB);
    const toA = Y.encodeStateAsUpdate(there, vectorA);
    Y.applyUpdate(there, toB);
    Y.applyUpdate(here, toA);
    return { halfTrips: 2, bytes: vectorA.length + vectorB.length + toA.length + toB.length };
  };
};

const auto: Make = (past, apart) => {
  let here = automerge.from({ text: "" });
  const splices = (doc: automerge.Doc<{ text: string }>, count: number) => {
    let next = doc;
    // A change for each burst, as somebody who types makes them.
    edit(count, (at, units) => {
      next = automerge.change(next, (it) => automerge.splice(it, ["text"], at, 0, units));
    });
    return next;
  };
  here = splices(here, past);
  let there = automerge.clone(here);
  here = splices(here, apart);
  there = splices(there, apart);
  return () => {
    let [a, b] = [automerge.initSyncState(), automerge.initSyncState()];
    let [halfTrips, bytes] = [-1, 0];
    for (let turn = 1; ; turn++) {
      const [nextA, fromA] = automerge.generateSyncMessage(here, a);
      const [nextB, fromB] = automerge.generateSyncMessage(there, b);
      [a, b] = [nextA, nextB];
      if (fromA === null && fromB === null) return { halfTrips, bytes };
      bytes += (fromA?.length ?? 0) + (fromB?.length ?? 0);
      if (fromA !== null) [there, b] = automerge.receiveSyncMessage(there, b, fromA);
      if (fromB !== null) [here, a] = automerge.receiveSyncMessage(here, a, fromB);
      const lengths = [here.text.length, there.text.length];
      const isSame = lengths.every((length) => length === past + 2 * apart);
      if (isSame && halfTrips === -1) halfTrips = turn;
    }
  };
};

function edit(count: number, insert: (at: number, units: string) => void): void {
  for (let done = 0; done < count; done += 10) {
    insert(Math.floor((done * 7_919) % (done + 1)), "abcdefghij");
  }
}

function best(make: Make, past: number, apart: number, times: number): Meeting {
  let found: Meeting | undefined;
  for (let i = 0; i < times; i++) {
    const meet = make(past, apart);
    const before = process.cpuUsage();
    const met = meet();
    const { user, system } = process.cpuUsage(before);
    const cpuMs = (user + system) / 1_000;
    if (found === undefined || cpuMs < found.cpuMs) found = { ...met, cpuMs };
  }
  return found as Meeting;
}

const { values } = parseArgs({ options: { json: { type: "string" } } });
const rows: unknown[] = [];
for (const [past, apart] of [
  [0, 1_000],
  [50_000, 1_000],
  [50_000, 0],
] as const) {
  const [own, ...others] = [ours, yjs, auto].map((make) => best(make, past, apart, 5));
  const name = `${past} units in common, ${apart} apart on each side`;
  for (const unit of ["halfTrips", "bytes", "cpuMs"] as const) {
    const [byYjs, byAutomerge] = others.map((it) => it[unit]) as [number, number];
    const mine = (own as Meeting)[unit];
    const peers = { yjs: byYjs, automerge: byAutomerge };
    rows.push({ case: name, unit, ours: mine, peers, ratio: mine === 0 ? 1 : byYjs / mine });
    console.log(`${name} | ${unit} | ${[mine, byYjs, byAutomerge].map(round).join(" | ")}`);
  }
}
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(rows, undefined, 2));

function round(value: number): string {
  return value >= 100 || Number.isInteger(value) ? Math.round(value).toString() : value.toFixed(1);
}
