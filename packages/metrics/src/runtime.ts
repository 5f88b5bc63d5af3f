// What the process itself has to say: processor, memory, garbage, and the event loop. The names
// are those of the Prometheus client guidelines where they have one (`process_*`), and pass
// `promtool check metrics`; prom-client's defaults do not (`nodejs_active_handles_total` is a
// gauge).
//
// Everything is a total since the start, or a reading of now. Event loop utilisation, for
// example, is not a ratio "since the last scrape", which two Prometheus servers would take from
// each other, but seconds by state: `rate(nodejs_eventloop_seconds_total{state="active"}[1m])`.
//
// Left out: open file descriptors, because counting them means reading a directory synchronously.

import { performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { EventLoopDelay } from "./event-loop-delay.ts";
import type { Family } from "./family.ts";
import { GarbageCollections, gcKinds } from "./garbage-collection.ts";
import { registerMetrics } from "./register.ts";
import type { MetricRegistry } from "./registry.ts";

/** Options of {@link collectRuntime}. */
export interface CollectRuntimeOptions {
  /** Milliseconds between two samples of the event loop's delay: 1 to 60000, default 20. */
  eventLoopSampleEveryMs?: number;
}

/**
 * Adds the metrics of this process and thread to `registry`. Costs one timer that does not keep the
 * process alive and one observer of the garbage collector; disposing ends both.
 *
 * @throws RangeError when an option is out of range
 * @throws TypeError when `registry` has metrics of these names already
 */
export function collectRuntime(
  registry: MetricRegistry,
  { eventLoopSampleEveryMs = 20 }: CollectRuntimeOptions = {},
): Disposable {
  const delay = new EventLoopDelay(eventLoopSampleEveryMs);
  const collections = new GarbageCollections();
  const stop = () => {
    delay[Symbol.dispose]();
    collections[Symbol.dispose]();
  };
  try {
    const families = [...processFamilies(), ...loopFamilies(delay), ...gcFamilies(collections)];
    const registered = registerMetrics(registry, [...families, ...memoryFamilies()]);
    return {
      [Symbol.dispose]: () => {
        stop();
        registered[Symbol.dispose]();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

function processFamilies(): Family[] {
  return [
    {
      name: "process_cpu_seconds_total",
      type: "counter",
      help: "User and system processor time spent by the process.",
      collect: (emit) => {
        const { user, system } = process.cpuUsage();
        emit((user + system) / 1e6);
      },
    },
    {
      name: "process_start_time_seconds",
      type: "gauge",
      help: "When the process started, in seconds since 1970-01-01 UTC.",
      collect: (emit) => emit(performance.timeOrigin / 1_000),
    },
    {
      name: "nodejs_version_info",
      type: "gauge",
      help: "Always 1; the label says which Node runs.",
      labels: { version: [process.version] },
      collect: (emit) => emit(1, { version: process.version }),
    },
    {
      name: "nodejs_active_resources",
      type: "gauge",
      help: "What currently keeps the event loop alive, by type.",
      labels: { type: [...RESOURCE_TYPES, OTHER_TYPE] },
      collect: (emit) => {
        for (const [type, count] of activeResources()) emit(count, { type });
      },
    },
  ];
}

function memoryFamilies(): Family[] {
  const gauge = (name: string, help: string, read: () => number): Family => ({
    name,
    type: "gauge",
    help,
    collect: (emit) => emit(read()),
  });
  return [
    gauge("process_resident_memory_bytes", "Memory of the process in RAM.", () =>
      process.memoryUsage.rss(),
    ),
    gauge(
      "nodejs_heap_used_bytes",
      "Live and not yet collected objects on the JavaScript heap.",
      () => getHeapStatistics().used_heap_size,
    ),
    gauge(
      "nodejs_heap_committed_bytes",
      "Memory that the JavaScript heap holds.",
      () => getHeapStatistics().total_heap_size,
    ),
    gauge(
      "nodejs_heap_limit_bytes",
      "Where the JavaScript heap runs out of memory.",
      () => getHeapStatistics().heap_size_limit,
    ),
    gauge(
      "nodejs_external_memory_bytes",
      "Memory outside the heap that JavaScript objects hold, array buffers included.",
      () => process.memoryUsage().external,
    ),
    gauge(
      "nodejs_array_buffers_bytes",
      "Memory of ArrayBuffers and Buffers.",
      () => process.memoryUsage().arrayBuffers,
    ),
  ];
}

function loopFamilies(delay: EventLoopDelay): Family[] {
  return [
    {
      name: "nodejs_eventloop_seconds_total",
      type: "counter",
      help: "Time of the event loop, running code (active) or waiting for events (idle).",
      labels: { state: ["active", "idle"] },
      collect: (emit) => {
        const { active, idle } = performance.eventLoopUtilization();
        emit(active / 1_000, { state: "active" });
        emit(idle / 1_000, { state: "idle" });
      },
    },
    {
      name: "nodejs_eventloop_delay_seconds",
      type: "histogram",
      help: "How late the event loop runs a timer that is due.",
      collect: (emit) => emit(delay.snapshot()),
    },
  ];
}

function gcFamilies(collections: GarbageCollections): Family[] {
  return [
    {
      name: "nodejs_gc_duration_seconds",
      type: "histogram",
      help: "Pauses of the garbage collector, by kind.",
      labels: { kind: gcKinds },
      collect: (emit) => {
        for (const [kind, snapshot] of collections.snapshots()) emit(snapshot, { kind });
      },
    },
  ];
}

// Node may invent further types at any time: those share one series, or the label would be open.
const OTHER_TYPE = "other";
const RESOURCE_TYPES = [
  "Timeout",
  "Immediate",
  "TCPSocketWrap",
  "TCPServerWrap",
  "TCPConnectWrap",
  "TLSWrap",
  "PipeWrap",
  "TTYWrap",
  "UDPWrap",
  "ProcessWrap",
  "FSReqCallback",
  "FSReqPromise",
  "FSEventWrap",
  "GetAddrInfoReqWrap",
  "MessagePort",
];

function activeResources(): Map<string, number> {
  const counts = new Map([...RESOURCE_TYPES, OTHER_TYPE].map((type) => [type, 0]));
  for (const type of process.getActiveResourcesInfo()) {
    const known = counts.has(type) ? type : OTHER_TYPE;
    counts.set(known, (counts.get(known) ?? 0) + 1);
  }
  return counts;
}
