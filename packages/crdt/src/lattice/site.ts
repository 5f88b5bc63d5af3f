// Where a value lives: at the root, which is a replica of its own, or in a field of a map. A value
// does not know which; it asks its site for what is stored, and hands it updates, which the site of
// a field wraps into an update of the map around it.
import type { HybridLogicalClock } from "../clock/hybrid-logical-clock.ts";
import { Listeners } from "../listeners.ts";
import { CausalContext } from "./context.ts";
import { checkKind, Delta } from "./delta.ts";
import { type Change, Joining, type Kind, Mutation } from "./kind.ts";
import { DEPTH_MAX, Fields, keyOf } from "./kinds/fields.ts";
import { checkReplica } from "./scalar.ts";

/** Which replica this is, and what it needs of the world. */
export interface ReplicaOptions {
  /** Its name: 1 to 64 printable ASCII characters, unlike that of every other replica ever. */
  readonly replica: string;
  /** The source of timestamps; needed to write to registers in which the last writer wins. */
  readonly clock?: HybridLogicalClock;
}

/** The place of a value. */
export abstract class Site<S> {
  abstract readonly root: Root<unknown>;
  abstract readonly depth: number;
  /** What users see there: of a field that is hidden or absent, the bottom. */
  abstract store(): S;
  /** Joins the delta that `make` returns, and returns it as one of the root. */
  abstract mutate(make: (mutation: Mutation) => S): Delta;
}

/** A state with its replica. */
export class Root<S> extends Site<S> {
  readonly kind: Kind<S>;
  readonly replica: string;
  readonly clock: HybridLogicalClock | undefined;
  readonly depth = 0;
  readonly context: CausalContext = new CausalContext();
  readonly listeners: Listeners<readonly Change[]> = new Listeners();
  #store: S;

  constructor(kind: Kind<S>, { replica, clock }: ReplicaOptions) {
    super();
    this.kind = kind;
    this.replica = checkReplica(replica);
    this.clock = clock;
    this.#store = kind.empty(true);
  }

  get root(): Root<unknown> {
    return this as unknown as Root<unknown>;
  }

  store(): S {
    return this.#store;
  }

  mutate(make: (mutation: Mutation) => S): Delta {
    const mutation = this.#mutation();
    return this.#commit(make(mutation), mutation);
  }

  join(delta: Delta): boolean {
    checkKind(this.kind as Kind<unknown>, delta.kind);
    this.clock?.receive(delta.latest);
    return this.#apply(delta.store as S, delta.context);
  }

  compact(stable: CausalContext): Delta | undefined {
    const mutation = this.#mutation();
    const store = this.kind.compact(this.#store, stable, mutation);
    return store === undefined ? undefined : this.#commit(store, mutation);
  }

  #mutation(): Mutation {
    return new Mutation(this.replica, this.context.next(this.replica), this.#stamp);
  }

  #commit(store: S, mutation: Mutation): Delta {
    const context = mutation.context();
    this.#apply(store, context);
    return new Delta(this.kind as Kind<unknown>, store, context);
  }

  readonly #stamp = (): number => {
    if (this.clock === undefined) {
      throw new TypeError("a last-writer-wins register needs the option `clock` at its root");
    }
    return this.clock.now();
  };

  #apply(store: S, context: CausalContext): boolean {
    const joining = new Joining(this.context, context, this.listeners.size > 0 ? [] : undefined);
    this.#store = this.kind.join(this.#store, store, joining);
    const grew = this.context.join(context);
    const { changes } = joining;
    if (changes !== undefined && changes.length > 0) this.listeners.tell(changes);
    return grew || joining.changed;
  }
}

/** A field of a map. */
export class FieldSite<S> extends Site<S> {
  readonly #parent: Site<Fields>;
  readonly #kind: Kind<S>;
  readonly #name: string;
  readonly #key: string;
  readonly root: Root<unknown>;
  readonly depth: number;

  constructor(parent: Site<Fields>, kind: Kind<S>, name: string) {
    super();
    this.#parent = parent;
    this.#kind = kind;
    this.#name = name;
    this.#key = keyOf(kind as Kind<unknown>, name);
    this.root = parent.root;
    this.depth = parent.depth + 1;
    if (this.depth >= DEPTH_MAX)
      throw new RangeError(`at most ${DEPTH_MAX} maps within each other`);
  }

  store(): S {
    const field = this.#parent.store().entries.get(this.#key);
    if (field === undefined || field.marks !== undefined) return this.#kind.empty(true);
    return field.store as S;
  }

  mutate(make: (mutation: Mutation) => S): Delta {
    return this.#parent.mutate((mutation) => {
      const [kind, name] = [this.#kind as Kind<unknown>, this.#name];
      const delta = new Fields(false);
      const field = this.#parent.store().entries.get(this.#key);
      let store = make(mutation) as unknown;
      if (field?.marks !== undefined) {
        // The update has seen the removal: it takes away the mark, and what was hidden under it.
        mutation.replace(field.marks);
        const nobody = new CausalContext();
        const cleared = kind.clear(field.store, mutation);
        store = kind.join(cleared, store, new Joining(nobody, nobody));
      }
      delta.entries.set(this.#key, { kind, name, marks: undefined, store });
      return delta;
    });
  }
}
