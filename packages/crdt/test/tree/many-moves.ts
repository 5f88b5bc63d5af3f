// Very many moves, by replicas that are apart for a while and then exchange what they made: in the
// end there is no cycle, no node is lost, and each stands where the paper's own algorithm puts it.
import { pick, SeededRandom } from "@compendium/runtime";
import type { MovableTree, Move, TreeDelta } from "../../src/index.ts";
import type { Subject } from "../lattice/case.ts";
import { follow } from "./oracle.ts";

const NAMES = ["r1", "r2", "r3", "r4"];
const NODES_MAX = 5_000;

/** Makes so many moves from this seed, and throws when the trees are not what they must be. */
export function checkManyMoves(subject: Subject, seed: number, count: number): void {
  const random = new SeededRandom(seed);
  const trees = NAMES.map((name) => new subject.MovableTree(name));
  const moves: Move[] = [];
  const nodes: string[] = [];
  const keep = (delta: TreeDelta): void => {
    for (const move of delta.moves) moves.push(move);
  };
  while (moves.length < count) {
    for (const tree of trees) {
      for (let left = 1 + random.below(150); left > 0; left--) keep(draw(tree, nodes, random));
    }
    const [to, from] = [pick(random, trees), pick(random, trees)];
    to.join(from.since(to.version));
    if (random.below(4) === 0) exchange(trees);
  }
  exchange(trees);
  const [first] = trees as [MovableTree];
  const follows = follow(moves);
  if (follows.size !== nodes.length) throw new Error("the oracle itself has lost a node");
  for (const tree of trees) {
    if (tree.digest() !== first.digest()) throw new Error(`${tree.replica} has another tree`);
  }
  checkTree(first, follows);
}

// Locally, a move below itself is refused; the tree is asked, not its lists of children, which a
// million moves need not sort.
function draw(tree: MovableTree, nodes: string[], random: SeededRandom): TreeDelta {
  const known = nodes.length === 0 ? undefined : pick(random, nodes);
  const target = nodes.length === 0 ? "root" : pick(random, nodes);
  const parent = random.below(20) === 0 || !tree.has(target) ? "root" : target;
  if (known === undefined || !tree.has(known) || random.below(100) === 0) {
    if (nodes.length < NODES_MAX) {
      const delta = tree.add(parent);
      nodes.push(delta.node as string);
      return delta;
    }
  }
  if (known === undefined || !tree.has(known)) return draw(tree, nodes, random);
  if (random.below(1_000) === 0) return tree.delete(known);
  for (let above: string | undefined = parent; above !== undefined; above = tree.parent(above)) {
    if (above === known) return tree.move(known, "root");
  }
  return tree.move(
    known,
    parent,
    tree.children(parent).length > 0 && parent !== "root" ? 0 : undefined,
  );
}

function exchange(trees: readonly MovableTree[]): void {
  const [hub, ...others] = trees as [MovableTree, ...MovableTree[]];
  for (const other of others) hub.join(other.since(hub.version));
  for (const other of others) other.join(hub.since(other.version));
}

function checkTree(tree: MovableTree, follows: ReadonlyMap<string, Move>): void {
  const seen = new Set<string>();
  for (const node of tree) {
    if (seen.has(node)) throw new Error(`${node} is there twice`);
    seen.add(node);
    const move = follows.get(node);
    if (move?.parent !== tree.parent(node)) throw new Error(`${node} has another parent`);
  }
  for (const node of follows.keys()) {
    // Every way up ends, at the root or in the trash.
    const passed = new Set<string>();
    let above = node;
    while (above !== "root" && above !== "trash") {
      if (passed.has(above)) throw new Error(`${node} is in a cycle`);
      passed.add(above);
      above = follows.get(above)?.parent ?? "lost";
      if (above === "lost") throw new Error(`${node} is lost`);
    }
    if (seen.has(node) !== (above === "root")) throw new Error(`${node} is lost`);
  }
}
