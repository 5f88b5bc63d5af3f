// Fugue as its paper defines it: a tree that is built, walked as a whole for every question, and
// remembers everything. Slow, and plainly right: the model that the tracker is compared with.
//
// There is one tree for all replicas. What a replica sees is the part that its version knows.

/** For each agent, how many operations are known. */
export type Version = ReadonlyMap<string, number>;

interface Node {
  readonly agent: string;
  readonly seq: number;
  readonly unit: string;
  readonly lefts: Node[];
  readonly rights: Node[];
  /** The operations that deleted it. */
  readonly deletions: { readonly agent: string; readonly seq: number }[];
}

const knows = (version: Version, { agent, seq }: { agent: string; seq: number }): boolean =>
  seq >= 0 && seq < (version.get(agent) ?? 0);

/** Everything that any replica did. */
export class FugueTree {
  readonly #root: Node = makeNode("", -1, "");

  /** Inserts one unit, as operation `seq` of an agent that knows `version`. */
  insert(version: Version, agent: string, seq: number, position: number, unit: string): void {
    const known = this.#nodes().filter((node) => node === this.#root || knows(version, node));
    const left = position === 0 ? this.#root : this.#visible(version)[position - 1]!;
    const node = makeNode(agent, seq, unit);
    if (left.rights.some((right) => knows(version, right))) {
      addSibling(known[known.indexOf(left) + 1]!.lefts, node);
    } else {
      addSibling(left.rights, node);
    }
  }

  /** Deletes one unit, as operation `seq` of an agent that knows `version`. */
  delete(version: Version, agent: string, seq: number, position: number): void {
    this.#visible(version)[position]!.deletions.push({ agent, seq });
  }

  /** What a replica of this version sees. */
  text(version: Version): string {
    return this.#visible(version)
      .map(({ unit }) => unit)
      .join("");
  }

  #visible(version: Version): Node[] {
    return this.#nodes().filter(
      (node) => knows(version, node) && !node.deletions.some((each) => knows(version, each)),
    );
  }

  // In document order. The root comes before all of its right side, and has no left one.
  #nodes(): Node[] {
    const nodes: Node[] = [];
    const visit = (node: Node): void => {
      for (const each of node.lefts) visit(each);
      nodes.push(node);
      for (const each of node.rights) visit(each);
    };
    visit(this.#root);
    return nodes;
  }
}

function makeNode(agent: string, seq: number, unit: string): Node {
  return { agent, seq, unit, lefts: [], rights: [], deletions: [] };
}

function addSibling(siblings: Node[], node: Node): void {
  const at = siblings.findIndex(({ agent, seq }) => {
    return agent === node.agent ? seq > node.seq : agent > node.agent;
  });
  siblings.splice(at === -1 ? siblings.length : at, 0, node);
}
