// The movable tree, held to the same laws and schedules as its siblings.
import type * as lattice from "../../src/index.ts";
import type { Case, Value } from "../lattice/case.ts";
import { treeOf } from "./oracle.ts";

/** The tree. */
export const treeCase: Case = {
  name: "movable-tree",
  make: (subject, replica) => new subject.MovableTree(replica) as unknown as Value,
  draw: (random) => {
    const dice = random.below(10);
    const verb = dice < 4 ? "add" : dice < 9 ? "move" : "delete";
    return { verb, key: `${random.below(1_000)}`, amount: random.below(1_000) };
  },
  act: (value, { verb, key = "0", amount = 0 }) => {
    const tree = value as unknown as lattice.MovableTree;
    const nodes = [...tree];
    const above = ["root", ...nodes];
    const node = nodes[Number(key) % Math.max(nodes.length, 1)];
    const parent = above[amount % above.length] as string;
    const index = (Number(key) + amount) % (tree.children(parent).length + 1);
    const told = (): lattice.TreeDelta | undefined => {
      if (verb === "add") return tree.add(parent, index);
      if (node === undefined) return undefined;
      if (verb === "delete") return tree.delete(node);
      for (let it: string | undefined = parent; it !== undefined; it = tree.parent(it)) {
        if (it === node) return undefined;
      }
      const isSibling = tree.parent(node) === parent;
      return tree.move(node, parent, isSibling ? Math.max(0, index - 1) : index);
    };
    return told() as unknown as lattice.Delta | undefined;
  },
  replaces: () => false,
  expected: (known) => treeOf(known.flatMap(({ delta }) => (delta as lattice.TreeDelta).moves)),
  isExact: true,
  tellsMore: true,
};
