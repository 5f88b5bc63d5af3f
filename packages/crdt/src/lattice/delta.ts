// What one replica tells another: a piece of state, as large as one update or as the whole. Deltas
// join to deltas, and a state joins any of them, in any order, any number of times. That is the
// whole protocol; everything else is about sending less (Almeida et al. 2018, §4).

import { frameOf } from "../encoding/frame.ts";
import { CrdtError } from "../errors.ts";
import { unframe, Writer } from "./codec.ts";
import { CausalContext } from "./context.ts";
import { digestOf } from "./digest.ts";
import { DotReader, Joining, type Kind } from "./kind.ts";
import { kindOf } from "./kinds.ts";

/** An element of the lattice. It does not change any more. */
export class Delta {
  /** The type whose state it is a piece of. */
  readonly kind: Kind<unknown>;
  /** What is alive in it. */
  readonly store: unknown;
  /** What it has seen. */
  readonly context: CausalContext;

  constructor(kind: Kind<unknown>, store: unknown, context: CausalContext) {
    this.kind = kind;
    this.store = store;
    this.context = context;
  }

  /** The least delta that says what both say. */
  join(other: Delta): Delta {
    checkKind(this.kind, other.kind);
    const { kind, context } = this;
    const copy = kind.join(
      kind.empty(false),
      this.store,
      new Joining(new CausalContext(), context),
    );
    const store = kind.join(copy, other.store, new Joining(context, other.context));
    const seen = context.copy();
    seen.join(other.context);
    return new Delta(kind, store, seen);
  }

  /** The highest timestamp in it, or 0. */
  get latest(): number {
    return this.kind.latest(this.store);
  }

  /** Whether both say the same. */
  equals(other: Delta): boolean {
    return this.kind === other.kind && this.digest() === other.digest();
  }

  /** A fingerprint of 32 hexadecimal digits: that of an equal state is equal. */
  digest(): string {
    return digestOf(bodyOf(this.kind, this.store, this.context));
  }

  /** Its bytes. */
  encode(): Uint8Array<ArrayBuffer> {
    return encodeState(this.kind, this.store, this.context);
  }

  /**
   * What was encoded.
   *
   * @throws CrdtError when the bytes are not exactly what some delta encodes to
   */
  static decode(bytes: Uint8Array): Delta {
    const { tag, body } = unframe(bytes);
    const kind = kindOf(tag);
    if (kind === undefined) throw new CrdtError("CRDT_KIND", `no type has the number ${tag}`);
    const context = CausalContext.read(body);
    const store = kind.read(new DotReader(body, context), false);
    body.finish();
    return new Delta(kind, store, context);
  }
}

/** Refuses a delta of another type. */
export function checkKind(own: Kind<unknown>, other: Kind<unknown>): void {
  if (own === other) return;
  throw new CrdtError("CRDT_KIND", `expected a delta of a ${own.name}, got one of a ${other.name}`);
}

/** The bytes of a state, in their frame. */
export function encodeState(
  kind: Kind<unknown>,
  store: unknown,
  context: CausalContext,
): Uint8Array<ArrayBuffer> {
  return frameOf(kind.tag, bodyOf(kind, store, context));
}

/** The bytes of a state: one form for each. */
export function bodyOf(kind: Kind<unknown>, store: unknown, context: CausalContext): Uint8Array {
  const writer = new Writer();
  const places = context.write(writer);
  kind.write(store, writer, places, false);
  return writer.done();
}
