// Header and trailer fields, as a proxy needs them: in the order in which they came, repetitions
// kept apart, names in lower case (RFC 9110 §5.1: they are case-insensitive; RFC 9113 §8.2.1: in
// HTTP/2 they must be lower case). A flat array of name, value, name, value… is what HTTP/1.1 and
// HTTP/2 libraries give and take, and a handful of short strings is searched faster than hashed.
//
// Nothing here checks what may stand in a name or a value: the codec has, before it made this.

/** The fields of one section of a message. */
export class Fields {
  /** Name, value, name, value… Names are in lower case. */
  readonly flat: string[];

  /** @param flat taken over, not copied; names must be in lower case */
  constructor(flat: string[] = []) {
    this.flat = flat;
  }

  /** How many fields there are. */
  get length(): number {
    return this.flat.length / 2;
  }

  /** The value of the first field of that name. */
  get(name: string): string | undefined {
    const { flat } = this;
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return flat[i + 1];
    return undefined;
  }

  /** The values of all fields of that name, in order. */
  all(name: string): string[] {
    const { flat } = this;
    const values: string[] = [];
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) values.push(flat[i + 1]!);
    return values;
  }

  /** All values of that name as one list (RFC 9110 §5.3), `undefined` when there is none. */
  joined(name: string): string | undefined {
    const values = this.all(name);
    return values.length === 0 ? undefined : values.join(", ");
  }

  /** Whether there is a field of that name. */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Adds a field behind all others. */
  append(name: string, value: string): void {
    this.flat.push(name, value);
  }

  /** Leaves one field of that name, in the place of the first. */
  set(name: string, value: string): void {
    const { flat } = this;
    for (let i = 0; i < flat.length; i += 2) {
      if (flat[i] !== name) continue;
      flat[i + 1] = value;
      this.#removeFrom(name, i + 2);
      return;
    }
    flat.push(name, value);
  }

  /** Takes away all fields of that name. */
  remove(name: string): void {
    this.#removeFrom(name, 0);
  }

  /** Shows each field, in order. */
  forEach(visit: (name: string, value: string) => void): void {
    const { flat } = this;
    for (let i = 0; i < flat.length; i += 2) visit(flat[i]!, flat[i + 1]!);
  }

  /** A copy that shares nothing. */
  copy(): Fields {
    return new Fields(this.flat.slice());
  }

  #removeFrom(name: string, from: number): void {
    const { flat } = this;
    let kept = from;
    for (let i = from; i < flat.length; i += 2) {
      if (flat[i] === name) continue;
      flat[kept++] = flat[i]!;
      flat[kept++] = flat[i + 1]!;
    }
    flat.length = kept;
  }
}
