// What can be kept in sync, seen from here: something with a version, that can say what another
// version lacks, and take in what it lacks itself. Everything else about a type is its own affair.
//
// The versions of all types are sets of dots, (replica, counter) from 1 on. What has a log is in
// replicas/log.ts, and its vector is one interval for each replica; what is a state is in
// replicas/state.ts, and needs more.
import {
  type CausalContext,
  Document,
  type Replicated as Lattice,
  type List,
  MovableList,
  type MovableTree,
  type Schema,
  schemaDigest,
  Text,
} from "@compendium/crdt";
import { LogReplica } from "./replicas/log.ts";
import { StateReplica } from "./replicas/state.ts";

/** A replica of something, as the protocol needs it. */
export interface Replicated {
  /** The type: two documents of one name must agree on it. 1 to 32 printable ASCII characters. */
  readonly kind: string;
  /** The name under which this replica makes its own operations. */
  readonly agent: string;
  /** The operations that it knows. */
  version(): CausalContext;
  /** What a replica of that version lacks. Costs what is missing, or, for a lattice, the state. */
  since(version: CausalContext): Uint8Array;
  /** Takes in what `since` has made, in any order, any number of times; throws, or changes all. */
  merge(bytes: Uint8Array): void;
  /** A fingerprint: replicas of one version have the same one. */
  digest(): string;
  /** How many updates wait for others. */
  readonly pending: number;
  /** The bytes that its history takes in memory, about; none for what keeps no history. */
  readonly bytes?: number;
  /** Has changes told, if it can; else say `changed()` after each one of your own. */
  onChange?(listener: () => void): Disposable;
  /** Has the next `version` look at everything again. */
  refresh?(): void;
  /**
   * Lets go what is kept for the sake of concurrent operations that cannot come any more, and says
   * whether there was any.
   */
  compact?(stable: CausalContext): boolean;
}

/** Anything of `@compendium/crdt` that has a replica of its own. */
export type Replicable =
  | Text
  | List
  | MovableList
  | Document<Schema>
  | Lattice<unknown>
  | MovableTree;

// Documents of two schemas are two types: neither could take all that the other has. Half a digest
// is enough to tell the schemas of one name apart.
const SCHEMA_DIGITS = 16;

/** Makes a document, a text, a list, a tree or a lattice ready for {@link Replicated}. */
export function replicated(value: Replicable): Replicated {
  if (value instanceof Document) {
    const kind = `document-${schemaDigest(value.schema).slice(0, SCHEMA_DIGITS)}`;
    return new LogReplica(kind, value, (version) => value.updates(version));
  }
  if (!("flush" in value)) return new StateReplica(value);
  return new LogReplica(kindOf(value), value, (version) => value.encodeSince(version));
}

function kindOf(value: Text | List | MovableList): string {
  if (value instanceof Text) return "text";
  return value instanceof MovableList ? "movable-list" : "list";
}
