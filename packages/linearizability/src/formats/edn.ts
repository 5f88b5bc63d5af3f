// As much of EDN (github.com/edn-format/edn) as histories use: maps, vectors, lists, sets, strings,
// keywords, symbols, numbers, nil, true, false; a tag is dropped, its value kept. Keywords and
// symbols become strings without the colon. Left out: ratios, characters, `#_`, maps with other
// keys than keywords and strings.
import type { Data } from "./event.ts";

const DEPTH_MAX = 64;
const space = /[\s,]*(?:;.*)?[\s,]*/y;
const number = /[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[NM]?(?=[\s,)\]}"]|$)/y;
const string = /"(?:[^"\\]|\\.)*"/y;
const word = /:?[^\s,()[\]{}"#;\\]+/y;
const closers: { readonly [opener: string]: string } = { "{": "}", "#{": "}", "[": "]", "(": ")" };
const constants: { readonly [name: string]: Data } = { nil: null, true: true, false: false };

/**
 * Reads all values of a line.
 *
 * @throws SyntaxError that says what was expected at which column
 */
export function readEdn(text: string): Data[] {
  const reader = new EdnReader(text);
  const values: Data[] = [];
  while (!reader.atEnd()) values.push(reader.value(0));
  return values;
}

class EdnReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    this.#match(space);
    return this.#at === this.#text.length;
  }

  value(depth: number): Data {
    if (depth > DEPTH_MAX) this.#refuse(`nested deeper than ${DEPTH_MAX}`);
    if (this.atEnd()) this.#refuse("a value is missing");
    const two = this.#text.slice(this.#at, this.#at + 2);
    const opener = two === "#{" ? two : (two[0] as string);
    const closer = closers[opener];
    if (closer !== undefined) {
      this.#at += opener.length;
      const items = this.#until(closer, depth);
      return opener === "{" ? this.#map(items) : items;
    }
    if (opener === "#") {
      this.#at++;
      if (this.#match(word) === undefined) this.#refuse("a tag is missing behind #");
      return this.value(depth + 1);
    }
    return this.#scalar();
  }

  #scalar(): Data {
    const digits = this.#match(number);
    if (digits !== undefined) return Number(digits.replace(/[NM]$/, ""));
    const quoted = this.#match(string);
    if (quoted !== undefined) return this.#unquote(quoted);
    const name = this.#match(word);
    if (name === undefined || name === ":") this.#refuse(`unexpected ${this.#here()}`);
    if (name.startsWith(":")) return name.slice(1);
    return Object.hasOwn(constants, name) ? (constants[name] as Data) : name;
  }

  #unquote(quoted: string): string {
    try {
      return JSON.parse(quoted.replaceAll("\t", "\\t")) as string;
    } catch {
      this.#refuse(`unknown escape in ${quoted}`);
    }
  }

  #until(closer: string, depth: number): Data[] {
    const items: Data[] = [];
    for (;;) {
      if (this.atEnd()) this.#refuse(`${closer} is missing`);
      if (this.#text[this.#at] === closer) break;
      items.push(this.value(depth + 1));
    }
    this.#at++;
    return items;
  }

  #map(items: readonly Data[]): Data {
    if (items.length % 2 === 1) this.#refuse("a map has a key without a value");
    const pairs: [string, Data][] = [];
    for (let i = 0; i < items.length; i += 2) {
      const name = items[i];
      if (typeof name !== "string")
        this.#refuse("a map has a key that is neither keyword nor string");
      pairs.push([name, items[i + 1] as Data]);
    }
    return Object.fromEntries(pairs);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #here(): string {
    return JSON.stringify(this.#text.slice(this.#at, this.#at + 20));
  }

  #refuse(message: string): never {
    throw new SyntaxError(`${message}, column ${this.#at + 1}`);
  }
}
