// A schedule of faults, drawn from a seed. Two ideas from practice. Each seed uses only some of the
// kinds of faults ("Swarm Testing", A. Groce et al., ISSTA 2012): with all of them in every run,
// each hides what the others would have found; the disk that is always full never shows what a torn
// write does. And durations are drawn by their order of magnitude: a bug that needs a pause of two
// milliseconds and one that needs two seconds are then equally likely to be met.

import { pick, type Random, shuffle } from "@compendium/runtime";
import { type CrashKind, FAULT_KINDS, type Fault, type FaultKind } from "./fault.ts";

/** What may befall a world. */
export interface FaultPlan {
  /** Which kinds. Default {@link FAULT_KINDS}. */
  kinds?: readonly FaultKind[];
  /** At most that many faults in a run. Default 12. */
  countMax?: number;
  /** How processes end. Default `kill` and `power`. */
  crashes?: readonly CrashKind[];
  /** Effects at which a crash is put: one of the first so many of a node. Default 1,024. */
  effectsMax?: number;
  /** The longest that a fault lasts, or a node is down. Default 2 s. */
  lastsUsMax?: number;
}

/** Where and when. */
export interface FaultPlace {
  /** Who may be hit. */
  readonly nodes: readonly string[];
  /** Who may be cut off as well, and is spared otherwise. */
  readonly clients: readonly string[];
  /** Faults begin before that time. */
  readonly untilUs: number;
}

type Settings = Required<FaultPlan>;

/** Draws a schedule, in order of time; those that wait for an effect come last. */
export function drawFaults(random: Random, place: FaultPlace, plan: FaultPlan = {}): Fault[] {
  const settings: Settings = {
    kinds: FAULT_KINDS,
    countMax: 12,
    crashes: ["kill", "power"],
    effectsMax: 1_024,
    lastsUsMax: 2_000_000,
    ...plan,
  };
  if (settings.countMax === 0 || settings.kinds.length === 0) return [];
  const kinds = shuffle(random, [...settings.kinds]);
  const some = kinds.slice(0, 1 + random.below(kinds.length));
  const count = 1 + random.below(settings.countMax);
  const faults = Array.from({ length: count }, () => {
    return drawFault(pick(random, some), random, place, settings);
  });
  return faults.sort((a, b) => startOf(a) - startOf(b));
}

function startOf(fault: Fault): number {
  return "atUs" in fault ? fault.atUs : Number.MAX_SAFE_INTEGER;
}

function drawFault(kind: FaultKind, random: Random, place: FaultPlace, settings: Settings): Fault {
  const node = pick(random, place.nodes);
  const atUs = random.below(place.untilUs);
  const forUs = magnitude(random, settings.lastsUsMax);
  const how = pick(random, settings.crashes);
  switch (kind) {
    case "crash":
      return { kind, node, atUs, how, downUs: forUs };
    case "blackout":
      return { kind, nodes: place.nodes, atUs, downUs: forUs };
    case "crashAtEffect": {
      const effect = magnitude(random, settings.effectsMax) - 1;
      const moment = pick(random, ["before", "during", "after"] as const);
      return { kind, node, effect, moment, how, downUs: forUs };
    }
    case "partition":
      return { kind, atUs, forUs, ...drawSides(random, place) };
    case "slowLink": {
      const [from, to] = drawSidesOfTwo(random, place);
      return { kind, from, to, factor: 2 + random.below(200), atUs, forUs };
    }
    case "weather":
      return {
        kind,
        lossPer1000: random.below(400),
        duplicatesPer1000: random.below(200),
        stragglersPer1000: random.below(300),
        atUs,
        forUs,
      };
    case "clockRate":
      return { kind, node, ppm: sign(random) * magnitude(random, 50_000), atUs, forUs };
    case "clockStep":
      return { kind, node, byMs: sign(random) * magnitude(random, 86_400_000), atUs };
    case "bitRot":
      return { kind, node, draw: random.below(2 ** 32), atUs };
    default:
      return { kind, node, atUs, forUs };
  }
}

/** An integer in [1, max], its order of magnitude uniform. */
function magnitude(random: Random, max: number): number {
  let bits = 1;
  while (2 ** bits < max) bits++;
  const ceiling = Math.min(max, 2 ** (1 + random.below(bits)));
  return 1 + random.below(ceiling);
}

function sign(random: Random): 1 | -1 {
  return random.below(2) === 0 ? 1 : -1;
}

// One alone, or any split; clients are on either side.
function drawSides(random: Random, { nodes, clients }: FaultPlace) {
  const all = shuffle(random, [...nodes, ...clients]);
  const alone = random.below(2) === 0;
  const size = alone || all.length < 3 ? 1 : 1 + random.below(all.length - 1);
  return { from: all.slice(0, size), to: all.slice(size), oneWay: random.below(3) === 0 };
}

function drawSidesOfTwo(random: Random, { nodes, clients }: FaultPlace): [string, string] {
  const [from = "", to = from] = shuffle(random, [...nodes, ...clients]);
  return [from, to];
}
