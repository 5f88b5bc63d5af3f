// CPU time in interleaved rounds. Wall time would measure the neighbours on a shared machine, and
// one contestant after the other would measure when the machine was busy: here each round runs
// every contestant once, and the median round of each is compared.

/** One way of doing the same thing. */
export interface Contestant {
  readonly name: string;
  /** Does it `times` times. */
  run(times: number): void;
}

/** Nanoseconds of CPU time per call: the median over the rounds, by name. */
export function measure(contestants: readonly Contestant[], times: number): Map<string, number> {
  const samples = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  for (let round = -2; round < 15; round++) {
    for (const { name, run } of contestants) {
      const before = process.cpuUsage();
      run(times);
      const { user, system } = process.cpuUsage(before);
      // The first rounds belong to the compiler.
      if (round >= 0) samples.get(name)?.push(((user + system) * 1_000) / times);
    }
  }
  return new Map([...samples].map(([name, list]) => [name, median(list)]));
}

function median(list: number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1] as number;
}

/** A row of the table. */
export interface Row {
  case: string;
  unit: string;
  ours: number;
  peers: Record<string, number>;
  /** Ours over the best peer: below 1, ours is cheaper. */
  ratio: number;
}

/** Measures ours beside its peers. */
export function row(name: string, ours: Contestant, peers: Contestant[], times: number): Row {
  const figures = measure([ours, ...peers], times);
  const rounded = (contestant: Contestant) => Number(figures.get(contestant.name)?.toFixed(1));
  const peerFigures = Object.fromEntries(peers.map((peer) => [peer.name, rounded(peer)]));
  const ratio = rounded(ours) / Math.min(...Object.values(peerFigures));
  const unit = "ns CPU per call";
  return {
    case: name,
    unit,
    ours: rounded(ours),
    peers: peerFigures,
    ratio: Number(ratio.toFixed(2)),
  };
}
