// Three regions, each with a disk, that gossip while everything befalls them. Each edits a text, a
// set, a list, a counter, a tree and a document with all of that under one name for all its lives.
import {
  AddWinsMap,
  AddWinsSet,
  addWinsSet,
  CausalContext,
  Document,
  List,
  list,
  MovableTree,
  movableList,
  mvRegister,
  PnCounter,
  pnCounter,
  Text,
  text,
  tree,
} from "@compendium/crdt";
import * as original from "@compendium/crdt-sync";
import { FileStore } from "@compendium/crdt-sync/store";
import { pick, type Random } from "@compendium/runtime";
import type { Invariants, Run, Scenario, World } from "@compendium/simulation";

/** What is tested: the package, or a copy of it with a bug. */
export interface Subject extends Pick<typeof original, "SyncNode" | "Gossip" | "replicated"> {
  readonly FileStore: typeof FileStore;
}

export const subject: Subject = { ...original, FileStore };

const REGIONS = ["eu", "us", "ap"];
const EDITS_A_LIFE = 25;

const NOTES = {
  title: text(),
  lines: list<number>(),
  tags: addWinsSet<string>(),
  stars: pnCounter(),
  state: mvRegister<number>(),
  queue: movableList<number>(),
  outline: tree(),
};

/** The documents of one region. */
export class Shelf {
  readonly text: Text;
  readonly list: List<number>;
  readonly tags: AddWinsSet<string>;
  readonly stars: PnCounter;
  readonly tree: MovableTree;
  readonly map: AddWinsMap;
  readonly notes: Document<typeof NOTES>;
  node: original.SyncNode | undefined;

  constructor(agent: string) {
    this.text = new Text(agent);
    this.list = new List(agent);
    this.tags = new AddWinsSet(agent);
    this.stars = new PnCounter(agent);
    this.tree = new MovableTree(agent);
    this.map = new AddWinsMap(agent);
    this.notes = new Document(agent, NOTES);
  }

  get all() {
    const { text, list, tags, stars, tree, map, notes } = this;
    return { text, list, tags, stars, tree, map, notes };
  }

  edit(random: Random): void {
    const { text, list, tags, stars, tree } = this;
    const at = random.below(text.length + 1);
    const nodes = [...tree];
    switch (random.below(12)) {
      case 0:
        return text.insert(at, "ab".repeat(1 + random.below(3)));
      case 1:
        return text.delete(at, Math.min(2, text.length - at));
      case 2:
        return list.insert(random.below(list.length + 1), random.below(100));
      case 3:
        return void (list.length > 0 && list.delete(random.below(list.length)));
      case 4:
        return void tags.add(`tag${random.below(6)}`);
      case 5:
        return void tags.delete(`tag${random.below(6)}`);
      case 6:
        return void (random.below(3) === 0 ? stars.decrement() : stars.increment());
      case 7:
      case 8:
      case 9:
        return this.#change(random);
      case 10:
        return void (random.below(2) === 0 ? this.notes.undo() : this.notes.redo());
      default: {
        if (nodes.length === 0 || random.below(2) === 0) return void tree.add();
        const node = pick(random, nodes);
        const parent = pick(random, nodes);
        try {
          tree.move(node, parent);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
      }
    }
  }

  // Several containers at once: the change arrives whole, or not at all.
  #change(random: Random): void {
    const value = random.below(100);
    this.notes.change(({ title, lines, tags, stars, state, queue, outline }) => {
      title.insert(random.below(title.length + 1), `${value} `);
      if (value % 2 === 0) title.delete(0, Math.min(2, title.length));
      if (value % 3 === 0) lines.insert(0, value);
      if (value % 4 === 0) tags.delete(`tag${value % 6}`);
      else tags.add(`tag${value % 6}`);
      if (value % 5 === 0) state.set(value);
      if (value % 7 === 0) outline.add();
      if (value % 8 === 0) queue.push(value);
      else if (queue.length > 1) queue.move(value % queue.length, 0);
      stars.increment();
    });
  }
}

/** The scenario, of the package as it is or of a copy. */
export function regions(subjects: Subject = subject): Scenario {
  return {
    nodes: REGIONS,
    node: (world) => start(world, subjects),
    invariants: (run) => new Holds(run),
    phases: { safetyMs: 4_000, livenessMs: 20_000 },
    faults: { countMax: 8, effectsMax: 600 },
  };
}

async function start(world: World, { SyncNode, Gossip, FileStore }: Subject): Promise<void> {
  const { name, clock, random, files, transport } = world;
  const shelf = new Shelf(name);
  const node = new SyncNode({
    name,
    clock,
    random,
    store: new FileStore(files),
    rewriteBytes: 300,
    members: REGIONS.filter((other) => other !== name),
    heartbeatMs: 500,
    checkMs: 1_000,
    presenceTtlMs: 3_000,
    retryMsMax: 1_000,
    connectMs: 1_000,
    limits: { batchBytes: 128, messageBytesMax: 1_024 },
    onEvent: (event) => {
      if (event.type === "failed") world.exit("the disk failed");
      if (event.type === "diverged") world.record("diverged", event.document);
      if (event.type === "refused") world.record("refused", event.error.message);
      if (event.type === "caughtUp") acknowledge(world, shelf, event.document);
    },
  });
  shelf.node = node;
  try {
    const handles = await Promise.all(
      Object.entries(shelf.all).map(([document, value]) => node.open(document, value)),
    );
    await node.listen(transport, name);
    const peers = Object.fromEntries(REGIONS.map((region) => [region, region]));
    new Gossip(node, { peers, transport, clock, random, fanout: 1, everyMs: 700 });
    handles[0]?.setPresence({ region: name });
    world.expose(shelf);
    let left = EDITS_A_LIFE;
    const edit = (): void => {
      shelf.edit(random);
      if (random.below(10) === 0) for (const handle of handles) handle.compact();
      if (--left > 0) clock.setTimer(clock.now() + 1 + random.below(250), edit);
    };
    edit();
  } catch (error) {
    world.exit(String(error));
  }
}

// Somebody else has all that is here.
function acknowledge(world: World, shelf: Shelf, document: string): void {
  if (!isCounted(document)) return;
  world.record("acknowledged", { document, counts: Object.fromEntries(shelf[document].version) });
}

// The documents of which it is counted what somebody else has acknowledged.
const COUNTED = ["text", "notes"] as const;

function isCounted(document: string): document is (typeof COUNTED)[number] {
  return (COUNTED as readonly string[]).includes(document);
}

interface Acknowledged {
  readonly document: (typeof COUNTED)[number];
  readonly counts: Readonly<Record<string, number>>;
}

class Holds implements Invariants {
  readonly #run: Run;
  // Of each agent, how many operations some node has been told that another has.
  readonly #acknowledged = {
    text: new Map<string, number>(),
    notes: new Map<string, number>(),
  };

  constructor(run: Run) {
    this.#run = run;
  }

  observe({ node, event, data }: { node: string; event: string; data?: unknown }): void {
    if (event === "acknowledged") {
      const { document, counts } = data as Acknowledged;
      const acknowledged = this.#acknowledged[document];
      for (const [agent, count] of Object.entries(counts)) {
        acknowledged.set(agent, Math.max(acknowledged.get(agent) ?? 0, count));
      }
    } else if (event === "diverged" || event === "refused") {
      throw new Error(`${node}: ${event} ${JSON.stringify(data)}`);
    }
  }

  live(): boolean {
    const shelves = REGIONS.map((region) => this.#run.exposed(region) as Shelf | undefined);
    const [first, ...others] = shelves;
    if (first === undefined || others.includes(undefined)) return false;
    for (const name of Object.keys(first.all) as (keyof Shelf["all"])[]) {
      const digest = first.all[name].digest();
      for (const other of others as Shelf[]) if (other.all[name].digest() !== digest) return false;
    }
    // In the end everybody knows that everybody has everything, and who is there.
    return (shelves as Shelf[]).every(({ node }) => {
      const text = node?.documents.get("text");
      return node?.stats().stableLag === 0 && text?.presences.length === REGIONS.length;
    });
  }

  end(): void {
    for (const region of REGIONS) {
      const shelf = this.#run.exposed(region) as Shelf;
      const { text, node } = shelf;
      for (const document of COUNTED) {
        for (const [agent, count] of this.#acknowledged[document]) {
          if ((shelf[document].version.get(agent) ?? 0) >= count) continue;
          throw new Error(`${region} lost what ${agent} had acknowledged: ${count} operations`);
        }
      }
      const stats = node?.stats();
      if (stats?.mismatches !== 0 || stats.idsReused + stats.pending > 0)
        throw new Error(`${region}: not all is well`);
      const stable = node?.documents.get("text")?.stable();
      if (!stable?.equals(new CausalContext(versionOf(text)))) {
        throw new Error(`${region}: what is stable is not the version`);
      }
    }
  }
}

function versionOf(text: Text): Map<string, number[]> {
  return new Map([...text.version].map(([agent, count]) => [agent, [1, count + 1]]));
}
