// The application of a simulated group: a map whose commands are JSON, with what makes a command
// that was carried out twice visible (append) and one that was lost (put, cas).
import type { KvInput, KvOutput } from "@compendium/linearizability";
import type { StateMachine } from "../../src/node/index.ts";

const text = new TextDecoder();
const utf8 = new TextEncoder();

/** The command, as bytes. */
export function encodeCommand(input: KvInput): Uint8Array {
  return utf8.encode(JSON.stringify(input));
}

/** What a command returned. */
export function decodeResult(result: Uint8Array): KvOutput {
  return result.length === 0 ? undefined : JSON.parse(text.decode(result));
}

/** The map. */
export class KvMachine implements StateMachine {
  readonly values = new Map<string, string | null>();

  apply(command: Uint8Array): Uint8Array {
    const output = this.#run(JSON.parse(text.decode(command)) as KvInput);
    return output === undefined ? new Uint8Array(0) : utf8.encode(JSON.stringify(output));
  }

  #run(input: KvInput): KvOutput {
    const present = this.get(input.key);
    switch (input.f) {
      case "get":
        return present;
      case "put":
        this.values.set(input.key, input.value as string);
        return undefined;
      case "append":
        this.values.set(input.key, `${present ?? ""}${input.value}`);
        return undefined;
      case "delete":
        this.values.delete(input.key);
        return undefined;
      case "cas":
        if (present !== input.from) return false;
        this.values.set(input.key, input.to as string);
        return true;
    }
  }

  get(key: string): string | null {
    return this.values.get(key) ?? null;
  }

  snapshot(): Uint8Array {
    return utf8.encode(JSON.stringify([...this.values]));
  }

  restore(snapshot: Uint8Array): void {
    this.values.clear();
    const stored = JSON.parse(text.decode(snapshot)) as [string, string | null][];
    for (const [key, value] of stored) this.values.set(key, value);
  }
}
