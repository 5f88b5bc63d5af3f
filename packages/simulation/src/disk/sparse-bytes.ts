// The bytes of a file, in pages that exist only once something was written there: a log segment
// that is allocated at 64 MiB and holds a hundred records costs a page, and so does its copy on the
// simulated platter.

const PAGE_BYTES = 4_096;

/** A growable sequence of bytes; what was never written is zero. */
export class SparseBytes {
  // Invariant: bytes at and behind `size` are zero in every page.
  #pages = new Map<number, Uint8Array>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Fills `into` from `offset` on; returns how many bytes there were. */
  read(into: Uint8Array, offset: number): number {
    const count = Math.max(0, Math.min(into.length, this.#size - offset));
    for (let done = 0; done < count; ) {
      const at = offset + done;
      const start = at % PAGE_BYTES;
      const length = Math.min(PAGE_BYTES - start, count - done);
      const page = this.#pages.get((at - start) / PAGE_BYTES);
      if (page === undefined) into.fill(0, done, done + length);
      else into.set(page.subarray(start, start + length), done);
      done += length;
    }
    return count;
  }

  write(bytes: Uint8Array, offset: number): void {
    for (let done = 0; done < bytes.length; ) {
      const at = offset + done;
      const start = at % PAGE_BYTES;
      const length = Math.min(PAGE_BYTES - start, bytes.length - done);
      this.#page((at - start) / PAGE_BYTES).set(bytes.subarray(done, done + length), start);
      done += length;
    }
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  /** Cuts, or extends with zeros. */
  resize(size: number): void {
    if (size < this.#size) {
      for (const [number, page] of this.#pages) {
        const start = number * PAGE_BYTES;
        if (start >= size) this.#pages.delete(number);
        else if (start + PAGE_BYTES > size) page.fill(0, size - start);
      }
    }
    this.#size = size;
  }

  flipBit(offset: number, bit: number): void {
    const start = offset % PAGE_BYTES;
    const page = this.#page((offset - start) / PAGE_BYTES);
    page[start] = (page[start] as number) ^ (1 << bit);
  }

  copy(): SparseBytes {
    const copy = new SparseBytes();
    copy.#size = this.#size;
    for (const [number, page] of this.#pages) copy.#pages.set(number, page.slice());
    return copy;
  }

  #page(number: number): Uint8Array {
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = new Uint8Array(PAGE_BYTES);
      this.#pages.set(number, page);
    }
    return page;
  }
}
