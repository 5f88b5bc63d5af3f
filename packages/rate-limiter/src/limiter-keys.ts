// What a key is called in Redis:
//
//     limit:{workspace-7}:per-user:gcra/burst:workspace-7/ann
//     │      │            │        │          └ the key, where it is not the partition
//     │      │            │        └ the algorithm, and the rule's name where it has one of its own
//     │      │            └ the limiter
//     │      └ the partition: in a cluster, what stands in braces decides on the slot
//     └ the prefix
//
// Braces in a key would end the partition early, or make it empty, and two windows of one decision
// would lie in two slots. So they are escaped, and no two keys share a name.
import { ALL, type StoredKey } from "./key.ts";
import type { Rule } from "./rule.ts";
import { show } from "./rule-options.ts";

const NAME = /^[\w.-]{1,64}$/;
// Not a text that escaping leaves as it is.
const TAG_OF_ALL = "*";

/**
 * Checks a limiter's name, which stands in keys.
 *
 * @throws RangeError when it could not
 */
export function checkName(name: string): void {
  if (typeof name === "string" && NAME.test(name)) return;
  throw new RangeError(
    `name must be 1 to 64 ASCII letters, digits, ".", "_" or "-", got ${show(name)}`,
  );
}

/** What of a key decides on the slot; `undefined` stands for the one limit of all. */
export type Partition = (key: string | undefined) => string;

/** The names of a limiter's keys. */
export class LimiterKeys {
  readonly #prefix: string;
  readonly #name: string;
  readonly #partition: Partition | undefined;

  constructor(prefix: string, name: string, partition: Partition | undefined) {
    this.#prefix = prefix;
    this.#name = name;
    this.#partition = partition;
  }

  /** What the key's windows have in common: the hash tag. */
  tagOf(key: StoredKey): string {
    if (this.#partition === undefined) return key === ALL ? TAG_OF_ALL : escapeKey(key);
    const given = key === ALL ? undefined : key;
    const partition = this.#partition(given);
    if (typeof partition === "string" && partition.length > 0) return escapeKey(partition);
    throw new TypeError(`partition must return a text, got ${show(partition)} for ${show(given)}`);
  }

  /** The names of a key's windows, one for each rule. */
  windowsOf(key: StoredKey, tag: string, rules: readonly Rule[]): string[] {
    const begin = `${this.#prefix}:{${tag}}:${this.#name}:`;
    const end = this.#endOf(key);
    return rules.map((rule) => `${begin}${ruleOf(rule)}${end}`);
  }

  /** The name of the answer to an idempotency key. */
  answerOf(key: StoredKey, tag: string, idempotencyKey: string): string {
    // No rule is called so: a name has no brackets.
    const begin = `${this.#prefix}:{${tag}}:${this.#name}:[${escapeKey(idempotencyKey)}]`;
    return `${begin}${this.#endOf(key)}`;
  }

  /** What a key is called in this process. */
  blockKeyOf(key: string | undefined): string {
    return key ?? "";
  }

  #endOf(key: StoredKey): string {
    return key === ALL || this.#partition === undefined ? "" : `:${escapeKey(key)}`;
  }
}

// A rule that changes its algorithm must not find numbers that mean something else.
function ruleOf({ algorithm, name }: Rule): string {
  return name === algorithm ? algorithm : `${algorithm}/${name}`;
}

function escapeKey(text: string): string {
  if (!/[{}%*[\]]/.test(text)) return text;
  return text.replaceAll(/[{}%*[\]]/g, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`);
}
