// The compiled configuration: what the proxy runs on. It is made whole from one document, checked
// as one, and never changes; a new one takes its place by one assignment. A request keeps the
// snapshot that it started with to its end, so that no request ever sees half of a change.
//
// The shape is Envoy's (listener → filter chain → route → cluster → endpoint), the values are ready
// to use: durations in milliseconds, patterns compiled, references between parts resolved, defaults
// filled in. Where a document comes from, a file today and a control plane later, is no matter
// here.
import type { ClusterConfig } from "./cluster-config.ts";
import type { AddressConfig, ListenerConfig } from "./listener-config.ts";

/** One whole configuration. */
export interface Snapshot {
  /** A digest of the document: two documents that mean the same have the same one. */
  readonly version: string;
  /** By name. */
  readonly listeners: ReadonlyMap<string, ListenerConfig>;
  /** By name. */
  readonly clusters: ReadonlyMap<string, ClusterConfig>;
  /** Where the admin interface listens; `undefined` for nowhere. */
  readonly admin: AddressConfig | undefined;
}
