// What is measured of the types on the lattice: each case the same work for ours
// and for each peer that has the type. A peer's set is a map with the elements as keys, since
// none has a set of its own. One update is one transaction, as a user makes it.
import { AddWinsMap, AddWinsSet, HybridLogicalClock, PnCounter } from "@compendium/crdt";

/** The work of one contestant: prepared first, and then timed. */
export type Work = () => () => unknown;

/** One row of the table. */
export interface LatticeCase {
  readonly name: string;
  readonly contestants: Readonly<Record<string, () => Promise<Work>>>;
}

/** How many updates a case has. */
export const OPERATIONS = 20_000;
const KEYS = 2_000;

/** xorshift32: the same work for everybody, every time. */
export function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

interface Keyed {
  put(key: string, value: number): void;
  delete(key: string): void;
}

function addAndDelete({ put, delete: remove }: Keyed, seed = 1, prefix = ""): void {
  const below = generator(seed);
  for (let i = 0; i < OPERATIONS; i++) {
    const key = `${prefix}element ${below(KEYS)}`;
    if (below(3) === 0) remove(key);
    else put(key, i);
  }
}

const ourSet = (replica: string): { set: AddWinsSet<string>; keyed: Keyed } => {
  const set = new AddWinsSet<string>(replica);
  return { set, keyed: { put: (key) => set.add(key), delete: (key) => set.delete(key) } };
};

const yjs = () => import("yjs");
const loro = () => import("loro-crdt");
const automerge = () => import("@automerge/automerge");

async function yMap(): Promise<() => { doc: import("yjs").Doc; keyed: Keyed }> {
  const Y = await yjs();
  return () => {
    const doc = new Y.Doc();
    const map = doc.getMap<number>("set");
    return { doc, keyed: { put: (key, i) => map.set(key, i), delete: (key) => map.delete(key) } };
  };
}

async function loroMap(): Promise<() => { doc: import("loro-crdt").LoroDoc; keyed: Keyed }> {
  const { LoroDoc } = await loro();
  return () => {
    const doc = new LoroDoc();
    const map = doc.getMap("set");
    const put = (key: string, i: number): void => {
      map.set(key, i);
      doc.commit();
    };
    const remove = (key: string): void => {
      map.delete(key);
      doc.commit();
    };
    return { doc, keyed: { put, delete: remove } };
  };
}

async function automergeMap() {
  const A = await automerge();
  return () => {
    let doc = A.from<{ set: Record<string, number> }>({ set: {} });
    const put = (key: string, i: number): void => {
      doc = A.change(doc, (it) => {
        it.set[key] = i;
      });
    };
    const remove = (key: string): void => {
      doc = A.change(doc, (it) => {
        delete it.set[key];
      });
    };
    return { read: () => doc, keyed: { put, delete: remove } };
  };
}

const localSet: LatticeCase = {
  name: `set: ${OPERATIONS.toLocaleString("en-US")} adds and deletes`,
  contestants: {
    ours: async () => () => {
      const { keyed } = ourSet("eu");
      return () => addAndDelete(keyed);
    },
    yjs: async () => {
      const make = await yMap();
      return () => {
        const { keyed } = make();
        return () => addAndDelete(keyed);
      };
    },
    loro: async () => {
      const make = await loroMap();
      return () => {
        const { keyed } = make();
        return () => addAndDelete(keyed);
      };
    },
    automerge: async () => {
      const make = await automergeMap();
      return () => {
        const { keyed } = make();
        return () => addAndDelete(keyed);
      };
    },
  },
};

const mergedSet: LatticeCase = {
  name: "set: two offline replicas of it, merged both ways as bytes",
  contestants: {
    ours: async () => () => {
      const [a, b] = [ourSet("eu"), ourSet("us")];
      addAndDelete(a.keyed, 1);
      addAndDelete(b.keyed, 2);
      return () => {
        const bytes = a.set.encode();
        a.set.join(b.set.encode());
        b.set.join(bytes);
      };
    },
    yjs: async () => {
      const Y = await yjs();
      const make = await yMap();
      return () => {
        const [a, b] = [make(), make()];
        addAndDelete(a.keyed, 1);
        addAndDelete(b.keyed, 2);
        return () => {
          const bytes = Y.encodeStateAsUpdate(a.doc);
          Y.applyUpdate(a.doc, Y.encodeStateAsUpdate(b.doc));
          Y.applyUpdate(b.doc, bytes);
        };
      };
    },
    loro: async () => {
      const make = await loroMap();
      return () => {
        const [a, b] = [make(), make()];
        addAndDelete(a.keyed, 1);
        addAndDelete(b.keyed, 2);
        return () => {
          const bytes = a.doc.export({ mode: "update" });
          a.doc.import(b.doc.export({ mode: "update" }));
          b.doc.import(bytes);
        };
      };
    },
    automerge: async () => {
      const A = await automerge();
      const make = await automergeMap();
      return () => {
        const [a, b] = [make(), make()];
        addAndDelete(a.keyed, 1);
        addAndDelete(b.keyed, 2);
        return () => {
          const bytes = A.save(a.read());
          const merged = A.merge(a.read(), A.load(A.save(b.read())));
          return [merged, A.merge(b.read(), A.load(bytes))];
        };
      };
    },
  },
};

const liveMap: LatticeCase = {
  name: `map: ${OPERATIONS.toLocaleString("en-US")} registers written, each sent to another replica`,
  contestants: {
    ours: async () => () => {
      const clock = new HybridLogicalClock({ wallMs: () => 1_000 });
      const [a, b] = ["eu", "us"].map((replica) => new AddWinsMap({ replica, clock }));
      return () => {
        const below = generator(3);
        for (let i = 0; i < OPERATIONS; i++) {
          const delta = a?.register<number>(`key ${below(KEYS)}`).set(i);
          if (delta !== undefined) b?.join(delta.encode());
        }
      };
    },
    yjs: async () => {
      const Y = await yjs();
      return () => {
        const [a, b] = [new Y.Doc(), new Y.Doc()];
        const map = a.getMap<number>("map");
        b.getMap("map");
        a.on("update", (update: Uint8Array) => Y.applyUpdate(b, update));
        return () => {
          const below = generator(3);
          for (let i = 0; i < OPERATIONS; i++) map.set(`key ${below(KEYS)}`, i);
        };
      };
    },
    loro: async () => {
      const { LoroDoc } = await loro();
      return () => {
        const [a, b] = [new LoroDoc(), new LoroDoc()];
        const map = a.getMap("map");
        a.subscribeLocalUpdates((update) => b.import(update));
        return () => {
          const below = generator(3);
          for (let i = 0; i < OPERATIONS; i++) {
            map.set(`key ${below(KEYS)}`, i);
            a.commit();
          }
        };
      };
    },
    automerge: async () => {
      const A = await automerge();
      return () => {
        let a = A.from<Record<string, number>>({});
        let b = A.clone(a);
        return () => {
          const below = generator(3);
          for (let i = 0; i < OPERATIONS; i++) {
            a = A.change(a, (it) => {
              it[`key ${below(KEYS)}`] = i;
            });
            [b] = A.applyChanges(b, [A.getLastLocalChange(a) as Uint8Array]);
          }
        };
      };
    },
  },
};

const counted: LatticeCase = {
  name: `counter: ${OPERATIONS.toLocaleString("en-US")} increments`,
  contestants: {
    ours: async () => () => {
      const counter = new PnCounter("eu");
      return () => {
        for (let i = 0; i < OPERATIONS; i++) counter.increment();
      };
    },
    loro: async () => {
      const { LoroDoc } = await loro();
      return () => {
        const doc = new LoroDoc();
        const counter = doc.getCounter("counter");
        return () => {
          for (let i = 0; i < OPERATIONS; i++) {
            counter.increment(1);
            doc.commit();
          }
        };
      };
    },
    automerge: async () => {
      const A = await automerge();
      return () => {
        let doc = A.from({ counter: new A.Counter(0) });
        return () => {
          for (let i = 0; i < OPERATIONS; i++) {
            doc = A.change(doc, (it) => {
              it.counter.increment(1);
            });
          }
        };
      };
    },
  },
};

/** In the order of the table. */
export const latticeCases: readonly LatticeCase[] = [localSet, mergedSet, liveMap, counted];
