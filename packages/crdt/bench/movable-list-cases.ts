// What is measured of the movable list, beside the one peer on npm that has one. One edit is one
// operation; Loro is told to commit once, at the end, which is the cheapest for it.
import { MovableList } from "@compendium/crdt";
import { generator, type LatticeCase } from "./lattice-cases.ts";

const ELEMENTS = 10_000;
const MOVES = 10_000;

interface Edited {
  readonly length: number;
  insert(index: number, value: number): void;
  move(from: number, to: number): void;
  set(index: number, value: number): void;
}

function insertAll(list: Edited, seed: number): void {
  const below = generator(seed);
  for (let i = 0; i < ELEMENTS; i++) list.insert(below(list.length + 1), i);
}

function moveAll(list: Edited, seed: number): void {
  const below = generator(seed);
  for (let i = 0; i < MOVES; i++) list.move(below(list.length), below(list.length));
}

// What one of two does while they are apart: half of everything.
function workAlone(list: Edited, seed: number): void {
  const below = generator(seed);
  for (let i = 0; i < MOVES / 2; i++) {
    const index = below(list.length);
    if (i % 4 === 0) list.insert(index, i);
    else if (i % 4 === 1) list.set(index, i);
    else list.move(index, below(list.length));
  }
}

function filled(): Uint8Array {
  const list = new MovableList<number>("start");
  insertAll(list, 5);
  return list.encode();
}

async function filledLoro() {
  const { LoroDoc } = await import("loro-crdt");
  const start = new LoroDoc();
  insertAll(start.getMovableList("list") as unknown as Edited, 5);
  start.commit();
  const bytes = start.export({ mode: "snapshot" });
  return () => {
    const doc = new LoroDoc();
    doc.import(bytes);
    return { doc, list: doc.getMovableList("list") as unknown as Edited };
  };
}

const inserted: LatticeCase = {
  name: "movable list: 10,000 insertions anywhere",
  contestants: {
    ours: async () => () => {
      const list = new MovableList<number>("eu");
      return () => insertAll(list, 5);
    },
    loro: async () => {
      const { LoroDoc } = await import("loro-crdt");
      return () => {
        const doc = new LoroDoc();
        const list = doc.getMovableList("list") as unknown as Edited;
        return () => {
          insertAll(list, 5);
          doc.commit();
        };
      };
    },
  },
};

const moved: LatticeCase = {
  name: "movable list: 10,000 moves of 10,000 elements",
  contestants: {
    ours: async () => {
      const start = filled();
      return () => {
        const list = MovableList.load<number>("eu", start);
        return () => moveAll(list, 6);
      };
    },
    loro: async () => {
      const make = await filledLoro();
      return () => {
        const { doc, list } = make();
        return () => {
          moveAll(list, 6);
          doc.commit();
        };
      };
    },
  },
};

const movedApart: LatticeCase = {
  name: "movable list: two offline branches of 5,000 edits, merged both ways as bytes",
  contestants: {
    ours: async () => {
      const start = filled();
      return () => {
        const [a, b] = ["eu", "us"].map((agent) => MovableList.load<number>(agent, start));
        workAlone(a!, 6);
        workAlone(b!, 7);
        return () => {
          const bytes = a!.encodeSince(b!.version);
          a!.merge(b!.encodeSince(a!.version));
          b!.merge(bytes);
          return [a!.toArray(), b!.toArray()];
        };
      };
    },
    loro: async () => {
      const make = await filledLoro();
      return () => {
        const [a, b] = [make(), make()];
        workAlone(a.list, 6);
        workAlone(b.list, 7);
        a.doc.commit();
        b.doc.commit();
        return () => {
          const bytes = a.doc.export({ mode: "update", from: b.doc.version() });
          a.doc.import(b.doc.export({ mode: "update", from: a.doc.version() }));
          b.doc.import(bytes);
          return [a.list, b.list].map((it) => (it as unknown as { toArray(): unknown }).toArray());
        };
      };
    },
  },
};

const loaded: LatticeCase = {
  name: "movable list: load of 10,000 elements and their history",
  contestants: {
    ours: async () => {
      const start = filled();
      return () => () => MovableList.load<number>("eu", start).toArray();
    },
    loro: async () => {
      const make = await filledLoro();
      return () => () => (make().list as unknown as { toArray(): unknown }).toArray();
    },
  },
};

/** In the order of the table. */
export const movableListCases: readonly LatticeCase[] = [inserted, moved, movedApart, loaded];
