// What is measured: histories of a real object with many clients, and public ones.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  type History,
  type Model,
  type Operation,
  type RegisterInput,
  readHistory,
  registerModel,
} from "@compendium/linearizability";

/** A history to check. */
export interface Case {
  readonly what: string;
  readonly present: () => boolean;
  readonly make: () => {
    readonly history: History;
    readonly model: Model<unknown, unknown, unknown>;
  };
}

const { COMPENDIUM_CONFORMANCE: root = "" } = process.env;

const file = (name: string): Case => {
  const place = path.join(root, "linearizability", name);
  return {
    what: `${path.basename(name)}, from porcupine`,
    present: () => root !== "" && existsSync(place),
    make: () => readHistory(readFileSync(place, "utf8")),
  };
};

const synthetic = (operations: number, clients: number, keys: number, lost = 0): Case => ({
  what: `${operations.toLocaleString("en-US")} operations, ${clients} clients, ${keys} registers${lost > 0 ? `, ${lost} % lost` : ""}`,
  present: () => true,
  make: () => ({
    history: registers(operations, clients, keys, lost),
    model: registerModel() as unknown as Model<unknown, unknown, unknown>,
  }),
});

/** By name. */
export const cases: Readonly<Record<string, Case>> = {
  "many-keys": synthetic(100_000, 20, 1_000),
  "some-keys": synthetic(100_000, 10, 100),
  "one-key": synthetic(100_000, 10, 1),
  "many-clients": synthetic(100_000, 50, 10),
  lost: synthetic(100_000, 20, 100, 1),
  unique: {
    what: "100,000 operations, 20 clients, 1 register, unique values",
    present: () => true,
    make: () => ({
      history: registers(100_000, 20, 1, 0, true),
      model: registerModel() as unknown as Model<unknown, unknown, unknown>,
    }),
  },
  "c50-bad": file("kv/c50-bad.txt"),
  "c10-bad": file("kv/c10-bad.txt"),
};

type Draft = { -readonly [name in keyof Operation<RegisterInput>]: Operation<RegisterInput>[name] };

// Clients call, take effect and return at random; a lost operation takes effect or not, and no
// answer comes.
function registers(
  operations: number,
  clients: number,
  keys: number,
  lost: number,
  unique = false,
): Operation[] {
  const below = generator(12_345);
  const held: (number | null)[] = new Array(keys).fill(null);
  const history: Operation[] = [];
  const pending: (Draft | undefined)[] = new Array(clients).fill(undefined);
  const effective: boolean[] = new Array(clients).fill(false);
  let now = 0;
  for (let done = 0; done < operations; ) {
    const client = below(clients);
    const draft = pending[client];
    if (draft === undefined) {
      pending[client] = {
        input: unique ? askUnique(below, now) : ask(below, keys),
        call: now++,
        process: client,
      };
      effective[client] = false;
      history.push(pending[client] as Operation);
    } else if (!effective[client]) {
      effective[client] = true;
      draft.output = answer(held, draft.input);
    } else {
      if (below(100) >= lost) draft.return = now++;
      pending[client] = undefined;
      done++;
    }
  }
  return history;
}

function ask(below: (limit: number) => number, keys: number): RegisterInput {
  const key = `${below(keys)}`;
  const f = below(3);
  if (f === 0) return { f: "read", key };
  if (f === 1) return { f: "write", key, value: below(5) };
  return { f: "cas", key, from: below(5), to: below(5) };
}

function askUnique(below: (limit: number) => number, now: number): RegisterInput {
  return below(2) === 0 ? { f: "read", key: "0" } : { f: "write", key: "0", value: now };
}

function answer(
  held: (number | null)[],
  input: RegisterInput,
): number | boolean | null | undefined {
  const at = Number(input.key);
  if (input.f === "read") return held[at] as number | null;
  if (input.f === "write") {
    held[at] = input.value as number;
    return undefined;
  }
  const matches = held[at] === input.from;
  if (matches) held[at] = input.to as number;
  return matches;
}

// xorshift32: the same history every time.
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}
