// The state that all members agree on: a map. Raft gives every member the same commands in the
// same order; `apply` makes of them the same map everywhere, because it looks at nothing but the
// map, the command and the command's place in the log.
//
// That place, the index, is the version of what a command has written. No two writes of the group
// share one, and a later write has a larger one, whoever leads: so the version of a key is also a
// fencing token. A store that remembers the largest token it has seen and refuses smaller ones is
// safe from a lock's former holder who does not know yet that it has lost the lock.
//
// Commands and snapshots are JSON, to be read in a debugger. Left out: values that are no text.
import type { StateMachine } from "@compendium/raft/node";

/** What is asked of the map. With `ifVersion`, only of a key with that version; 0: without one. */
export type MapCommand =
  | {
      readonly op: "put";
      readonly key: string;
      readonly value: string;
      readonly ifVersion?: number;
    }
  | { readonly op: "delete"; readonly key: string; readonly ifVersion?: number };

/** What became of it. `version` is the key's from now on; 0 if it has no value. */
export type MapResult =
  | { readonly done: true; readonly version: number }
  | { readonly done: false; readonly why: "version" | "absent" | "full"; readonly version: number };

/** A value, and the index of the command that wrote it. */
export interface Versioned {
  readonly value: string;
  readonly version: number;
}

/** What the map holds at most: the characters of its keys and values, and 64 for each key. */
export const MAP_CHARACTERS_MAX: number = 32 * 2 ** 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A command as the log carries it. */
export function encodeCommand(command: MapCommand): Uint8Array {
  return encoder.encode(JSON.stringify(command));
}

/** What `apply` has returned. */
export function decodeResult(result: Uint8Array): MapResult {
  return JSON.parse(decoder.decode(result)) as MapResult;
}

/** The map of one member. */
export class MapMachine implements StateMachine {
  #map = new Map<string, Versioned>();
  // Invariant: the sum of `charactersOf` over #map; at most MAP_CHARACTERS_MAX.
  #characters = 0;

  /** What is there now, which may be behind other members: see `RaftNode.read`. */
  get(key: string): Versioned | undefined {
    return this.#map.get(key);
  }

  /** How many keys have a value. */
  get size(): number {
    return this.#map.size;
  }

  apply(command: Uint8Array, index: number): Uint8Array {
    // Only members write to the log: what does not parse is a bug, and must stop this one.
    const result = this.#run(JSON.parse(decoder.decode(command)) as MapCommand, index);
    return encoder.encode(JSON.stringify(result));
  }

  #run(command: MapCommand, index: number): MapResult {
    const { op, key, ifVersion } = command;
    const old = this.#map.get(key);
    const version = old?.version ?? 0;
    if (ifVersion !== undefined && ifVersion !== version) {
      return { done: false, why: "version", version };
    }
    if (op === "delete" && old === undefined) return { done: false, why: "absent", version };
    const value = op === "put" ? command.value : undefined;
    const characters = this.#characters - charactersOf(key, old?.value) + charactersOf(key, value);
    if (characters > MAP_CHARACTERS_MAX) return { done: false, why: "full", version };
    this.#characters = characters;
    if (value === undefined) this.#map.delete(key);
    else this.#map.set(key, { value, version: index });
    return { done: true, version: value === undefined ? 0 : index };
  }

  snapshot(): Uint8Array {
    return encoder.encode(JSON.stringify([...this.#map]));
  }

  restore(snapshot: Uint8Array): void {
    const map = new Map(JSON.parse(decoder.decode(snapshot)) as [string, Versioned][]);
    this.#map = map;
    this.#characters = 0;
    for (const [key, { value }] of map) this.#characters += charactersOf(key, value);
  }
}

function charactersOf(key: string, value: string | undefined): number {
  return value === undefined ? 0 : key.length + value.length + 64;
}
