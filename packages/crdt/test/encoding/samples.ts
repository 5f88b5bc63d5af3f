// Encoded sequences of every kind, with concurrency, deletions and characters of every length.
import type { Sequences } from "../sequence/subjects.ts";

/** Bytes, and what takes them in. */
export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** A replica that has something of its own, or was compacted: what must not change. */
  readonly make: () => { merge(bytes: Uint8Array): unknown; digest(): string };
  /** Opens the bytes as a document and asks for its history. */
  readonly open: (bytes: Uint8Array) => unknown;
}

/** Makes the samples. */
export function samplesOf({ Text, List }: Sequences): Sample[] {
  const text = new Text("ann");
  text.insert(0, "Grüße, 😀 → 世界!");
  const other = text.fork("bob");
  other.insert(3, "xyz");
  other.delete(0, 2);
  text.delete(5, 4);
  for (let i = 0; i < 3; i++) text.insert(2, "-");
  text.merge(other.encodeSince(text.version));
  text.insert(1, "!");
  const concurrent = text.fork("carl");
  concurrent.insert(4, "→");
  const compacted = text.fork("dora");
  compacted.compact(text.version);
  compacted.delete(2, 6);
  compacted.insert(1, "ß😀");
  const list = new List("ann");
  list.insert(0, null, true, false, 1, -70_000, 1.5, 2 ** 40, "", "😀");
  list.delete(3, 2);
  list.insert(2, "later");
  const shortList = list.fork("dora");
  shortList.compact(list.version);
  shortList.delete(0, 3);
  shortList.insert(1, -1);

  const ofText = (name: string, bytes: Uint8Array): Sample => ({
    name,
    bytes,
    make() {
      const replica = new Text("carl");
      replica.insert(0, "mine");
      return replica;
    },
    open: (changed) => Text.load("dora", changed).version,
  });
  const ofList = (name: string, bytes: Uint8Array): Sample => ({
    name,
    bytes,
    make() {
      const replica = new List("carl");
      replica.insert(0, "mine");
      return replica;
    },
    open: (changed) => List.load("dora", changed).version,
  });
  return [
    ofText("an update of a text", text.encodeSince(new Map())),
    ofText("an update that waits", text.encodeSince(new Map([["ann", 5]]))),
    ofText("a text", text.encode()),
    ofText("a text without what was deleted", text.encode({ deleted: "drop" })),
    ofText("a compacted text", compacted.encode()),
    ofText("a compacted text without what was deleted", compacted.encode({ deleted: "drop" })),
    {
      ...ofText("an update of a text that was compacted", concurrent.encodeSince(text.version)),
      make: () => compacted.fork("emil"),
    },
    {
      ...ofText("an update that a compacted text lacks a part of", text.encodeSince(new Map())),
      make: () => compacted.fork("emil"),
    },
    ofList("a compacted list", shortList.encode()),
    ofList("an update of a list", list.encodeSince(new Map())),
    ofList("a list", list.encode()),
  ];
}
