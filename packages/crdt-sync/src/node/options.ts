// What a node is told, with its defaults.
import type { Clock, Random } from "@compendium/runtime";
import type { CrdtSyncError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import { checkName, type Limits, limitsFrom, MEMBERS_MAX } from "../wire/limits.ts";

/** Options of a {@link SyncNode}. */
export interface SyncNodeOptions {
  /** What others call it: 1 to 64 printable ASCII characters. A region, or a user's device. */
  readonly name: string;
  /** Default: the process's. */
  readonly clock?: Clock;
  /** Default: the platform's. */
  readonly random?: Random;
  /** Where documents are kept. Default: nowhere, and then every life needs a new replica's name. */
  readonly store?: Store;
  /** A log is written anew when it has so many bytes, or four times the last. Default 65,536. */
  readonly rewriteBytes?: number;
  /**
   * The other nodes that must have seen an operation before it is stable; at most 64. Our own name
   * is left out. Default: none.
   */
  readonly members?: readonly string[];
  /** A link on which nothing was said for that long gets a sign of life. Default 5,000. */
  readonly heartbeatMs?: number;
  /** How often digests are compared, and members' versions passed on. Default 10,000. */
  readonly checkMs?: number;
  /** How long a presence lives without being renewed. Default 30,000. */
  readonly presenceTtlMs?: number;
  /** The first pause before a link is tried again; it doubles. Default 100. */
  readonly retryMs?: number;
  /** The longest pause. Default 10,000. */
  readonly retryMsMax?: number;
  /** How long an attempt may take. Default 5,000. */
  readonly connectMs?: number;
  /**
   * Whether a peer may have a document, by the name that its transport gives it: that of
   * `authorize`, or an address. To others nothing is said of it. Default: anybody may have any.
   */
  readonly mayOpen?: (document: string, peer: string) => boolean;
  /** Bounds of what a peer may ask for. */
  readonly limits?: Partial<Limits>;
  /** Is told what happens. Must not throw. */
  readonly onEvent?: (event: SyncEvent) => void;
}

/** What a node tells. */
export type SyncEvent =
  /** A peer has a document that is not open here. */
  | {
      readonly type: "wanted";
      readonly document: string;
      readonly kind: string;
      readonly peer: string;
    }
  /** A document is not kept in sync with a peer. */
  | {
      readonly type: "refused";
      readonly document: string;
      readonly peer: string;
      readonly error: CrdtSyncError;
    }
  /** Two replicas of one version have two digests: one of them is broken. */
  | { readonly type: "diverged"; readonly document: string; readonly peer: string }
  /** A peer has all that is here. */
  | { readonly type: "caughtUp"; readonly document: string; readonly peer: string }
  /** A link has ended, or could not be opened. */
  | { readonly type: "linkEnded"; readonly peer: string; readonly error: Error | undefined }
  /** The disk has failed: nothing is sent any more. */
  | { readonly type: "failed"; readonly error: CrdtSyncError };

/** The options with their defaults. */
export interface Settings {
  readonly name: string;
  readonly members: readonly string[];
  readonly rewriteBytes: number;
  readonly heartbeatMs: number;
  readonly checkMs: number;
  readonly presenceTtlMs: number;
  readonly retryMs: number;
  readonly retryMsMax: number;
  readonly connectMs: number;
  readonly limits: Limits;
}

// One list may serve all nodes: nobody waits for himself.
function othersOf({ name, members = [] }: SyncNodeOptions): string[] {
  const others = new Set(members.map((member) => checkName("a member", member)));
  others.delete(name);
  if (others.size <= MEMBERS_MAX) return [...others];
  throw new RangeError(`there are at most ${MEMBERS_MAX} other members, got ${others.size}`);
}

/** Checks, and fills in. */
export function settingsOf(options: SyncNodeOptions): Settings {
  const settings = {
    name: checkName("name", options.name),
    members: othersOf(options),
    rewriteBytes: options.rewriteBytes ?? 65_536,
    heartbeatMs: options.heartbeatMs ?? 5_000,
    checkMs: options.checkMs ?? 10_000,
    presenceTtlMs: options.presenceTtlMs ?? 30_000,
    retryMs: options.retryMs ?? 100,
    retryMsMax: options.retryMsMax ?? 10_000,
    connectMs: options.connectMs ?? 5_000,
    limits: limitsFrom(options.limits ?? {}),
  };
  if (!(Number.isSafeInteger(settings.rewriteBytes) && settings.rewriteBytes >= 1)) {
    throw new RangeError(`rewriteBytes must be an integer from 1, got ${settings.rewriteBytes}`);
  }
  for (const [name, value] of Object.entries(settings)) {
    if (!name.includes("Ms") || (Number.isFinite(value) && Number(value) >= 1)) continue;
    throw new RangeError(`${name} must be a number of milliseconds from 1, got ${value}`);
  }
  return settings;
}
