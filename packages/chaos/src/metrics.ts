// What the proxies count, for Prometheus: read from stats() when someone asks, so the path of the
// bytes only bumps plain numbers. The labels come from closed sets: the names that the proxies were
// registered under, two directions, and the kinds of faults.
//
// chaos_fault_active is for the dashboard: a graph of errors says little without the shaded area
// that shows when the network was broken, and in which way.

import { type Family, type MetricRegistry, registerMetrics } from "@compendium/metrics";
import type { DirectionFaults, Faults } from "./faults.ts";
import type { FaultProxy, FaultProxyStats } from "./proxy.ts";

const DIRECTIONS = ["upstream", "downstream"] as const;

// Label value → what has to be set for it to be in force.
const DIRECTION_FAULTS: Readonly<Record<string, keyof DirectionFaults>> = {
  latency: "latencyMs",
  bandwidth: "bandwidthBytesPerSecond",
  blackhole: "blackhole",
  reset_after_bytes: "resetAfterBytes",
};

/**
 * Adds the numbers of some proxies to a prom-client registry, told apart by the label `proxy`;
 * disposing takes them out. The names must be known now, and at most about a thousand.
 *
 * @throws RangeError | TypeError when there is no proxy, or a name is taken in that registry
 */
export function registerChaosMetrics(
  registry: MetricRegistry,
  proxies: Readonly<Record<string, FaultProxy>>,
): Disposable {
  const names = Object.keys(proxies);
  if (names.length === 0) throw new RangeError("proxies must name at least one proxy, got none");
  const entries = Object.entries(proxies);

  const perProxy = (
    name: string,
    type: "counter" | "gauge",
    help: string,
    read: (stats: FaultProxyStats) => number,
  ): Family => ({
    name,
    type,
    help,
    labels: { proxy: names },
    collect: (emit) => {
      for (const [name, proxy] of entries) emit(read(proxy.stats()), { proxy: name });
    },
  });
  const perDirection = (
    name: string,
    type: "counter" | "gauge",
    help: string,
    key: keyof FaultProxyStats["upstream"],
  ): Family => ({
    name,
    type,
    help,
    labels: { proxy: names, direction: DIRECTIONS },
    collect: (emit) => {
      for (const [name, proxy] of entries) {
        const stats = proxy.stats();
        for (const direction of DIRECTIONS) emit(stats[direction][key], { proxy: name, direction });
      }
    },
  });

  return registerMetrics(registry, [
    perProxy("chaos_connections", "gauge", "Connections open now.", (s) => s.connectionsOpen),
    perProxy(
      "chaos_connections_accepted_total",
      "counter",
      "Connections taken in.",
      (s) => s.connectionsAccepted,
    ),
    perProxy(
      "chaos_connections_over_limit_total",
      "counter",
      "Connections reset because as many as allowed were open.",
      (s) => s.connectionsOverLimit,
    ),
    perProxy(
      "chaos_dial_failures_total",
      "counter",
      "Connections whose server did not answer the dial.",
      (s) => s.dialFailures,
    ),
    perProxy("chaos_resets_total", "counter", "Connections reset by a fault.", (s) => s.resets),
    perDirection(
      "chaos_received_bytes_total",
      "counter",
      "Bytes read from the sender.",
      "bytesReceived",
    ),
    perDirection(
      "chaos_delivered_bytes_total",
      "counter",
      "Bytes handed to the receiver.",
      "bytesDelivered",
    ),
    perDirection(
      "chaos_held_bytes",
      "gauge",
      "Bytes delayed, paced or in a blackhole now.",
      "bytesHeld",
    ),
    faultActive(names, entries),
  ]);
}

type Entries = readonly (readonly [string, FaultProxy])[];

function faultActive(names: readonly string[], entries: Entries): Family {
  const kinds = DIRECTIONS.flatMap((direction) =>
    Object.keys(DIRECTION_FAULTS).map((fault) => `${direction}_${fault}`),
  );
  return {
    name: "chaos_fault_active",
    type: "gauge",
    help: "1 while a fault is in force, else 0.",
    labels: { proxy: names, fault: [...kinds, "refuse", "reset"] },
    collect: (emit) => {
      for (const [proxy, { faults }] of entries) {
        for (const [fault, active] of activeFaults(faults)) emit(active ? 1 : 0, { proxy, fault });
      }
    },
  };
}

function* activeFaults(faults: Faults): Iterable<[string, boolean]> {
  for (const direction of DIRECTIONS) {
    for (const [fault, key] of Object.entries(DIRECTION_FAULTS)) {
      yield [`${direction}_${fault}`, faults[direction]?.[key] !== undefined];
    }
  }
  yield ["refuse", faults.refuse === true];
  yield ["reset", faults.reset !== undefined];
}
