// Public data: the order that Fugue must give to 250 runs of concurrent edits, and what people had
// on their screens at the end of recorded sessions.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { requireOrSkip } from "@compendium/metrics/testing";
import { expect, test } from "vitest";
import { Text } from "../../src/sequence/text.ts";
import { History, type Patch } from "../sequence/history.ts";
import { concurrentTrace, readTrace, sequentialTraces } from "./traces.ts";

const { COMPENDIUM_CONFORMANCE: root = "" } = process.env;
const needOf = (folder: string, source: string) => ({
  name: "conformance",
  present: root !== "" && existsSync(path.join(root, folder)),
  how: `let COMPENDIUM_CONFORMANCE name a folder with ${folder}/, from ${source}`,
});
const ordering = needOf(
  "sequence",
  "fugue-ordering.json of github.com/josephg/eg-walker-reference",
);
const traces = needOf("traces", "github.com/josephg/editing-traces");

interface OrderingRun {
  readonly endContent: string;
  readonly txns: readonly {
    readonly span: readonly [number, number];
    readonly parents: readonly number[];
    readonly agent: string;
    readonly ops: readonly Patch[];
  }[];
}

for (const [name, batch] of [
  ["one transaction at a time", 1],
  ["three at a time", 3],
  ["all at once", Number.POSITIVE_INFINITY],
] as const) {
  test(`every run of concurrent edits ends in Fugue's order, ${name}`, (context) => {
    requireOrSkip(context, ordering);
    const file = path.join(root, "sequence", "fugue-ordering.json");
    const runs = JSON.parse(readFileSync(file, "utf8")) as OrderingRun[];
    expect(runs).toHaveLength(250);
    const wrong = runs.filter(({ txns, endContent }) => {
      const history = new History();
      for (const [index, { agent, parents, ops, span }] of txns.entries()) {
        expect(history.add({ agent, parents, patches: ops })).toBe(span[1] - 1);
        if ((index + 1) % batch === 0) history.text();
      }
      return history.text() !== endContent;
    });
    expect(wrong).toEqual([]);
  });
}

for (const name of sequentialTraces) {
  test(`${name} ends as it did, here and on a replica that was told each keystroke`, (context) => {
    requireOrSkip(context, traces);
    const { endContent, transactions } = readTrace(root, name);
    const [here, there] = [new Text("here"), new Text("there")];
    for (const [position, removed, inserted] of transactions.flatMap(({ patches }) => patches)) {
      here.delete(position, removed);
      here.insert(position, inserted);
      const update = here.flush();
      if (update !== undefined) there.merge(update);
    }
    expect(here.toString() === endContent).toBe(true);
    expect(there.toString() === endContent).toBe(true);
    const opened = Text.load("opened", here.encode({ deleted: "drop" }));
    expect(opened.toString() === endContent).toBe(true);
    expect(opened.version).toEqual(here.version);
    const told = new Text("told");
    told.merge(opened.encodeSince(new Map()));
    expect(told.toString() === endContent).toBe(true);
  });
}

test(`${concurrentTrace} ends as it did, in steps and at once`, (context) => {
  requireOrSkip(context, traces);
  const { endContent, transactions } = readTrace(root, concurrentTrace);
  for (const batch of [1, 100, Number.POSITIVE_INFINITY]) {
    const history = new History();
    const ends: number[] = [];
    for (const [index, { agent, parents, patches }] of transactions.entries()) {
      const lvs = parents.map((parent) => ends[parent] as number);
      ends.push(history.add({ agent, parents: lvs, patches }));
      if ((index + 1) % batch === 0) history.catchUp();
    }
    expect(history.text() === endContent).toBe(true);
  }
});
