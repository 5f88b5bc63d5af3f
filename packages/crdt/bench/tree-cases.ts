// What is measured of the movable tree, beside the one peer on npm that has one.
import { MovableTree } from "@compendium/crdt";
import { generator, type LatticeCase, OPERATIONS } from "./lattice-cases.ts";

const NODES = 1_000;

function ourTree(
  replica: string,
  seed: number,
  start?: Uint8Array,
): { tree: MovableTree; move: () => void } {
  const tree = new MovableTree(replica);
  if (start !== undefined) tree.join(start);
  const nodes = [...tree];
  const below = generator(seed);
  const move = (): void => {
    for (let i = 0; i < OPERATIONS; i++) {
      const [node, parent] = [nodes[below(NODES)] as string, nodes[below(NODES)] as string];
      try {
        tree.move(node, parent);
      } catch {
        tree.move(node);
      }
    }
  };
  return { tree, move };
}

function ourForest(): Uint8Array {
  const tree = new MovableTree("start");
  for (let i = 0; i < NODES; i++) tree.add();
  return tree.encode();
}

async function loroTree() {
  const { LoroDoc } = await import("loro-crdt");
  const start = new LoroDoc();
  const made = start.getTree("tree");
  made.enableFractionalIndex(0);
  const ids = Array.from({ length: NODES }, () => made.createNode().id);
  start.commit();
  const bytes = start.export({ mode: "snapshot" });
  return (seed: number) => {
    const doc = new LoroDoc();
    doc.import(bytes);
    const tree = doc.getTree("tree");
    tree.enableFractionalIndex(0);
    const below = generator(seed);
    const move = (): void => {
      for (let i = 0; i < OPERATIONS; i++) {
        const [node, parent] = [ids[below(NODES)], ids[below(NODES)]] as [
          `${number}@${number}`,
          `${number}@${number}`,
        ];
        try {
          tree.move(node, parent);
        } catch {
          tree.move(node);
        }
        doc.commit();
      }
    };
    return { doc, move };
  };
}

const moved: LatticeCase = {
  name: `tree: ${OPERATIONS.toLocaleString("en-US")} moves of 1,000 nodes`,
  contestants: {
    ours: async () => {
      const start = ourForest();
      return () => ourTree("eu", 5, start).move;
    },
    loro: async () => {
      const make = await loroTree();
      return () => make(5).move;
    },
  },
};

const movedApart: LatticeCase = {
  name: "tree: two offline replicas of it, merged both ways as bytes",
  contestants: {
    ours: async () => {
      const start = ourForest();
      return () => {
        const [a, b] = [ourTree("eu", 5, start), ourTree("us", 6, start)];
        a.move();
        b.move();
        return () => {
          const bytes = a.tree.since(b.tree.version).encode();
          a.tree.join(b.tree.since(a.tree.version).encode());
          b.tree.join(bytes);
          return [a.tree.children(), b.tree.children()];
        };
      };
    },
    loro: async () => {
      const make = await loroTree();
      return () => {
        const [a, b] = [make(5), make(6)];
        a.move();
        b.move();
        return () => {
          const bytes = a.doc.export({ mode: "update", from: b.doc.version() });
          a.doc.import(b.doc.export({ mode: "update", from: a.doc.version() }));
          b.doc.import(bytes);
          return [a.doc.getTree("tree").roots().length, b.doc.getTree("tree").roots().length];
        };
      };
    },
  },
};

/** In the order of the table. */
export const treeCases: readonly LatticeCase[] = [moved, movedApart];
