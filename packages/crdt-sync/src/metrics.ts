// The numbers of nodes for Prometheus, read when it asks. The label is the node's name, as it is
// given here: documents and peers are made by users, and would make series.
import {
  type Family,
  type HistogramSnapshot,
  type MetricRegistry,
  registerMetrics,
} from "@compendium/metrics";
import type { SyncNodeStats } from "./node/stats.ts";

/** What has numbers to show: a `SyncNode`. */
export interface MeasurableNode {
  /** Tells it from the others. */
  readonly name: string;
  /** Plain numbers; reading them changes nothing. */
  stats(): SyncNodeStats;
  /** 32 bits of a fingerprint of all documents. */
  digest(): number;
}

type Value = number | HistogramSnapshot;
type Read = (stats: SyncNodeStats) => Value;
type Row = readonly [type: Family["type"], name: string, help: string, read: Read];

const ROWS: readonly Row[] = [
  ["gauge", "peers", "Links open now, whose peer has said hello.", (it) => it.peers],
  ["gauge", "members", "The other members.", (it) => it.members],
  ["gauge", "members_linked", "Members to whom a link is open.", (it) => it.membersLinked],
  ["gauge", "documents", "Documents open now.", (it) => it.documents],
  ["counter", "links_total", "Links that were opened, or taken.", (it) => it.links],
  ["counter", "links_broken_total", "Links that ended with a fault.", (it) => it.linksBroken],
  ["counter", "received_bytes_total", "Bytes of messages received.", (it) => it.bytesIn],
  ["counter", "sent_bytes_total", "Bytes of messages handed to links.", (it) => it.bytesOut],
  ["counter", "messages_received_total", "Messages received.", (it) => it.messagesIn],
  ["counter", "messages_sent_total", "Messages handed to links.", (it) => it.messagesOut],
  ["counter", "merges_total", "Updates merged.", (it) => it.merges],
  ["histogram", "merge_seconds", "Taking in a message.", (it) => it.mergeSeconds],
  ["gauge", "pending_updates", "Updates that wait for others.", (it) => it.pending],
  ["gauge", "operations", "Operations that are known here.", (it) => it.operations],
  ["gauge", "stable_operations", "Those known to be at all members.", (it) => it.stable],
  ["gauge", "stable_lag_operations", "Operations that are not stable.", (it) => it.stableLag],
  ["gauge", "presences", "Nodes present, in all documents.", (it) => it.presences],
  ["gauge", "history_bytes", "Bytes of all histories in memory.", (it) => it.historyBytes],
  ["gauge", "log_bytes", "Bytes of all logs on disk.", (it) => it.logBytes],
  ["gauge", "failed", "1 after the disk has failed, else 0.", (it) => Number(it.hasFailed)],
  [
    "counter",
    "digest_mismatches_total",
    "Replicas of one version with two digests.",
    (it) => it.mismatches,
  ],
  ["counter", "ids_reused_total", "Names that stood for two histories.", (it) => it.idsReused],
];

/**
 * Shows `nodes` in `registry`, told apart by their names, until the returned object is disposed. A
 * scrape costs one `stats()` for each family and node, which is linear in their documents, and the
 * digests of those that have changed since the last one.
 *
 * @throws TypeError when two nodes have one name, here or among those registered before
 * @throws RangeError when there are more than 10,000 series in one family
 */
export function registerSyncNodes(
  registry: MetricRegistry,
  nodes: Iterable<MeasurableNode>,
): Disposable {
  const all = new Map<string, MeasurableNode>();
  for (const node of nodes) {
    if (all.has(node.name)) throw new TypeError(`two nodes have the name "${node.name}"`);
    all.set(node.name, node);
  }
  if (all.size === 0) return registerMetrics(registry, []);
  const labels = { name: [...all.keys()] };
  const family = (
    type: Family["type"],
    name: string,
    help: string,
    read: (node: MeasurableNode) => Value,
  ): Family => ({
    name: `crdt_sync_${name}`,
    type,
    help,
    labels,
    collect: (emit) => {
      for (const [name, node] of all) emit(read(node), { name });
    },
  });
  return registerMetrics(registry, [
    ...ROWS.map(([type, name, help, read]) =>
      family(type, name, help, (node) => read(node.stats())),
    ),
    family("gauge", "digest", "32 bits of the digest of all documents.", (node) => node.digest()),
  ]);
}
