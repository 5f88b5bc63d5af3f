// Every UTF-16 unit that was ever inserted into a text, in the order of the operations that
// inserted them, each one once and none removed: the content column of the log. Two bytes a unit.

/** Units in a row, which grows. */
export class Units {
  /** The units; those at `length` and above mean nothing. Replaced when it grows. */
  data: Uint16Array = new Uint16Array(0);
  /** How many there are. */
  length = 0;

  /** Appends a string's units. */
  append(text: string): void {
    const first = this.reserve(text.length);
    const { data } = this;
    for (let i = 0; i < text.length; i++) data[first + i] = text.charCodeAt(i);
  }

  /** Makes room for so many more, which are to be filled in; returns where they begin. */
  reserve(count: number): number {
    const first = this.length;
    this.length += count;
    if (this.length > this.data.length) {
      const next = new Uint16Array(Math.max(64, this.length, this.data.length * 2));
      next.set(this.data);
      this.data = next;
    }
    return first;
  }

  /** A copy that shares nothing. */
  clone(): Units {
    const copy = new Units();
    copy.data = this.data.slice(0, this.length);
    copy.length = this.length;
    return copy;
  }

  /** As a string, from `from` up to, not including, `to`. */
  slice(from: number, to: number): string {
    return stringOf(this.data, from, to);
  }
}

/** The string of some units. */
export function stringOf(units: Uint16Array, from = 0, to: number = units.length): string {
  let text = "";
  // In pieces: a call takes only so many arguments.
  for (let at = from; at < to; at += 8192) {
    const piece = units.subarray(at, Math.min(to, at + 8192));
    text += String.fromCharCode.apply(null, piece as unknown as number[]);
  }
  return text;
}
