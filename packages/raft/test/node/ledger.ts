// The application of a test group: a list of what was carried out, in order. A command's result is
// its place in the list, so that one carried out twice, lost or out of order is seen at once.
import type { StateMachine } from "../../src/node/index.ts";

/** A command that was carried out, and the entry it came with. */
export interface Line {
  readonly index: number;
  readonly text: string;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** A command. */
export function command(line: string): Uint8Array {
  return utf8.encode(line);
}

/** At which place in the list a command was put, from 1. */
export function placeOf({ result }: { readonly result: Uint8Array }): number {
  return Number(text.decode(result));
}

/** A list of commands. */
export class Ledger implements StateMachine {
  readonly #onChanged: (lines: readonly Line[]) => void;
  lines: Line[] = [];
  /** How often the whole list came from a snapshot. */
  restored = 0;

  /** @param onChanged sees the list after each change: all of it, or what came last */
  constructor(onChanged: (lines: readonly Line[]) => void = () => {}) {
    this.#onChanged = onChanged;
  }

  /** The commands alone. */
  get texts(): string[] {
    return this.lines.map((line) => line.text);
  }

  apply(bytes: Uint8Array, index: number): Uint8Array {
    const line = { index, text: text.decode(bytes) };
    this.lines.push(line);
    this.#onChanged([line]);
    return utf8.encode(String(this.lines.length));
  }

  snapshot(): Uint8Array {
    return utf8.encode(JSON.stringify(this.lines));
  }

  restore(snapshot: Uint8Array): void {
    this.lines = JSON.parse(text.decode(snapshot)) as Line[];
    this.restored++;
    this.#onChanged(this.lines);
  }
}
