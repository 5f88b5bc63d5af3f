// The floors of the house (DESIGN.md), as data. A package may import every package on a floor below
// its own; on its own floor it knows only those to which an arrow is drawn. What stands on no floor
// has no place yet: a new package is added here first, and to the drawing in DESIGN.md with it.

/** One floor, from the ground up. */
export interface Floor {
  readonly name: "ground" | "patterns" | "compositions" | "examples";
  readonly packages: readonly string[];
  /** A pure core: no clock, timer, chance, file or socket of its own, no third-party package. */
  readonly pureCore: boolean;
}

/** What the repository may look like. */
export interface FloorPlan {
  /** Lowest first. */
  readonly floors: readonly Floor[];
  /** Importer to the siblings on its floor that it may import. */
  readonly arrows: Readonly<Record<string, readonly string[]>>;
  /** Ground for tests and the demo's live checks: shipped code does not import it. */
  readonly testGround: readonly string[];
}

/** The plan that DESIGN.md draws. */
export const floorPlan: FloorPlan = {
  floors: [
    {
      name: "ground",
      packages: ["runtime", "metrics", "simulation", "linearizability"],
      pureCore: false,
    },
    {
      name: "patterns",
      packages: ["circuit-breaker", "resilience", "rate-limiter", "raft", "paxos", "crdt", "ot"],
      pureCore: true,
    },
    {
      name: "compositions",
      packages: ["raft-kv", "sidecar", "control-plane", "crdt-sync", "chaos", "models"],
      pureCore: false,
    },
    { name: "examples", packages: ["shownotes", "replicated-map", "load-tests"], pureCore: false },
  ],
  arrows: {
    metrics: ["runtime"],
    simulation: ["runtime"],
    resilience: ["circuit-breaker"],
    // The next three point down and need no leave; they are here so that the plan is the drawing.
    sidecar: ["resilience", "circuit-breaker", "rate-limiter"],
    "raft-kv": ["raft"],
    "crdt-sync": ["crdt"],
    // One data file says what k6 and the demo's own load generator send.
    shownotes: ["load-tests"],
  },
  testGround: ["simulation", "linearizability"],
};
