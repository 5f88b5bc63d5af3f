// What a node counts, and what it sums up over its documents when it is asked.
import type { HistogramSnapshot } from "@compendium/metrics";
import { crc32c } from "@compendium/runtime";
import type { DocumentStats, SharedDocument } from "../core/document.ts";

/** What a node counts by itself. */
export interface SyncNodeCounts {
  /** Links that were opened, or taken. */
  readonly links: number;
  /** Links that ended with a fault. */
  readonly linksBroken: number;
  /** Bytes of messages received. */
  readonly bytesIn: number;
  /** Bytes of messages handed to links. */
  readonly bytesOut: number;
  /** Messages received. */
  readonly messagesIn: number;
  /** Messages handed to links. */
  readonly messagesOut: number;
  /** Updates merged. */
  readonly merges: number;
}

/** What a node has counted since it was made, and what is so now; of all documents together. */
export interface SyncNodeStats extends SyncNodeCounts, DocumentStats {
  /** Links open now, whose peer has said hello. */
  readonly peers: number;
  /** The other members, whether they are there or not. */
  readonly members: number;
  /** Those of them to whom a link is open now. */
  readonly membersLinked: number;
  /** Documents open now. */
  readonly documents: number;
  /** How long it took to take in a message. */
  readonly mergeSeconds: HistogramSnapshot;
  /** Bytes of all logs on disk. */
  readonly logBytes: number;
  /** Whether the disk has failed: then nothing is sent any more. */
  readonly hasFailed: boolean;
}

/** The numbers of all documents, added up. */
export function sumOf(
  documents: Iterable<SharedDocument>,
): DocumentStats & { readonly documents: number } {
  const sum = {
    documents: 0,
    operations: 0,
    stable: 0,
    stableLag: 0,
    pending: 0,
    historyBytes: 0,
    presences: 0,
    mismatches: 0,
    idsReused: 0,
  };
  for (const document of documents) {
    sum.documents++;
    const stats = document.stats();
    for (const key of Object.keys(stats) as (keyof DocumentStats)[]) sum[key] += stats[key];
  }
  return sum;
}

const utf8 = new TextEncoder();

/** 32 bits of the digests of all documents and their names, in whatever order. */
export function digestOf(documents: Iterable<SharedDocument>): number {
  let digest = 0;
  for (const document of documents) {
    digest ^= crc32c(utf8.encode(`${document.digest()} ${document.name}`));
  }
  return digest >>> 0;
}
