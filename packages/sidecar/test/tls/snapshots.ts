// The least snapshot with TLS in it.
import type { DownstreamTlsConfig } from "../../src/config/listener-config.ts";
import type { Snapshot } from "../../src/config/snapshot.ts";
import { snapshotOf } from "../proxy/harness.ts";

export function listenerSnapshot(tls: DownstreamTlsConfig): Snapshot {
  const snapshot = snapshotOf({ upstreamPorts: [] });
  const listener = snapshot.listeners.get("in")!;
  const filterChains = listener.filterChains.map((chain) => ({ ...chain, tls }));
  return { ...snapshot, listeners: new Map([["in", { ...listener, filterChains }]]) };
}
