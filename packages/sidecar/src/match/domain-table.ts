// Hosts by name: an exact one first, then the longest "*.suffix", then the longest "prefix.*", then
// "*". A wildcard stands for at least one character.
//
// Exact names are in a map. Wildcards are in tries of their letters, suffixes from their last one,
// so that a lookup walks along the name once, however many there are, and makes nothing.

interface TrieNode<T> {
  readonly next: Map<number, TrieNode<T>>;
  value: T | undefined;
}

const newNode = <T>(): TrieNode<T> => ({ next: new Map(), value: undefined });

/** Hosts by name. */
export class DomainTable<T> {
  readonly #exact = new Map<string, T>();
  readonly #suffixes: TrieNode<T> = newNode();
  readonly #prefixes: TrieNode<T> = newNode();
  #any: T | undefined;

  /** Adds a domain, in lower case; the first of a name stays. */
  add(domain: string, value: T): void {
    if (domain === "*") this.#any ??= value;
    else if (domain.startsWith("*")) insert(this.#suffixes, domain.slice(1), true, value);
    else if (domain.endsWith("*")) insert(this.#prefixes, domain.slice(0, -1), false, value);
    else if (!this.#exact.has(domain)) this.#exact.set(domain, value);
  }

  /** What is known of a host, in lower case. Time is at most proportional to its length. */
  find(host: string): T | undefined {
    return (
      this.#exact.get(host) ??
      longest(this.#suffixes, host, true) ??
      longest(this.#prefixes, host, false) ??
      this.#any
    );
  }
}

function insert<T>(root: TrieNode<T>, text: string, fromEnd: boolean, value: T): void {
  let node = root;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(fromEnd ? text.length - 1 - i : i);
    let next = node.next.get(code);
    if (next === undefined) {
      next = newNode();
      node.next.set(code, next);
    }
    node = next;
  }
  node.value ??= value;
}

function longest<T>(root: TrieNode<T>, text: string, fromEnd: boolean): T | undefined {
  let found: T | undefined;
  let node: TrieNode<T> | undefined = root;
  // One character is left for the wildcard.
  for (let i = 0; i < text.length - 1; i++) {
    node = node.next.get(text.charCodeAt(fromEnd ? text.length - 1 - i : i));
    if (node === undefined) break;
    found = node.value ?? found;
  }
  return found;
}
