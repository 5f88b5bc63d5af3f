// What a divided configuration must be, as functions of the code that divides, which may be a copy
// with a bug in it.
import { expect } from "vitest";
import type {
  AdaptiveConcurrencyConfig,
  FaultConfig,
  HttpFilterConfig,
  LocalRateLimitConfig,
} from "../../src/config/filter-config.ts";
import type { HttpConfig } from "../../src/config/listener-config.ts";
import type { RouteConfig } from "../../src/config/route-config.ts";
import type { Snapshot } from "../../src/config/snapshot.ts";
import { forwardRoute, snapshotOf } from "../proxy/harness.ts";

export type DivideModule = typeof import("../../src/workers/divide.ts");

/** Every limit of a document that several workers share, with the same number everywhere. */
export function limited(whole: number, more: Partial<LocalRateLimitConfig> = {}): Snapshot {
  const rateLimit: LocalRateLimitConfig = {
    kind: "local-ratelimit",
    name: "rate",
    tokensMax: whole,
    tokensPerFill: 5,
    fillIntervalMs: 100,
    status: 429,
    enabled: 1_000_000,
    enforced: 1_000_000,
    ...more,
  };
  const fault: FaultConfig = {
    kind: "fault",
    name: "fault",
    delay: undefined,
    abort: undefined,
    headers: [],
    activeMax: whole,
  };
  const adaptive: AdaptiveConcurrencyConfig = {
    kind: "adaptive-concurrency",
    name: "adaptive",
    limitMin: whole,
    limitMax: whole,
    status: 503,
  };
  const inherited = new Map<string, HttpFilterConfig | false>([
    ["rate", { ...rateLimit }],
    ["fault", false],
  ]);
  const route = { ...forwardRoute(), filters: inherited };
  const routes: RouteConfig[] = [route, { ...route, name: "second" }];
  const thresholds = {
    connectionsMax: whole,
    pendingMax: whole,
    requestsMax: whole,
    retriesMax: whole,
    retryBudget: { percent: 20, retriesMin: whole },
  };
  const snapshot = snapshotOf({
    upstreamPorts: [1],
    http: {
      filters: [rateLimit, fault, adaptive],
      virtualHosts: [{ name: "all", domains: ["*"], requiresTls: false, routes }],
    },
    cluster: { breakers: { default: thresholds, high: { ...thresholds } } },
    listener: { connectionsMax: whole },
  });
  const listener = snapshot.listeners.get("in")!;
  const filterChains = listener.filterChains.map((chain) => {
    return { ...chain, connectionsMax: whole };
  });
  return { ...snapshot, listeners: new Map([["in", { ...listener, filterChains }]]) };
}

/** The limits of {@link limited} by name, but those of rates. */
export function limitsIn(snapshot: Snapshot): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const { name, connectionsMax, filterChains } of snapshot.listeners.values()) {
    limits[`${name} connections`] = connectionsMax;
    for (const [i, chain] of filterChains.entries()) {
      if (chain.connectionsMax !== undefined) limits[`chain ${i}`] = chain.connectionsMax;
    }
    for (const { kind, ...filter } of managerOf(snapshot).filters) {
      if (kind === "fault") limits["all faults"] = (filter as FaultConfig).activeMax;
      if (kind === "local-ratelimit")
        limits["all tokens"] = (filter as LocalRateLimitConfig).tokensMax;
      if (kind !== "adaptive-concurrency") continue;
      const { limitMin, limitMax } = filter as AdaptiveConcurrencyConfig;
      limits["concurrency min"] = limitMin;
      limits["concurrency max"] = limitMax;
    }
  }
  for (const { name, breakers } of snapshot.clusters.values()) {
    for (const [priority, { retryBudget, ...thresholds }] of Object.entries(breakers)) {
      for (const [key, limit] of Object.entries(thresholds)) {
        limits[`${name} ${priority} ${key}`] = limit;
      }
      limits[`${name} ${priority} budget`] = retryBudget?.retriesMin ?? 0;
    }
  }
  return limits;
}

export function managerOf(snapshot: Snapshot): HttpConfig {
  const [listener] = snapshot.listeners.values();
  const filter = listener?.filterChains[0]?.filter;
  if (filter?.kind !== "http") throw new Error("it has no connection manager");
  return filter;
}

/** The parts of all workers. */
export function partsOf({ divide }: DivideModule, whole: Snapshot, workers: number): Snapshot[] {
  return Array.from({ length: workers }, (_, index) => divide(whole, { index, workers }));
}

/** Each limit's parts are at least 1, and add up to the whole where that can be. */
export function checkSums(module: DivideModule, whole: number, workers: number): void {
  const document = limited(whole);
  const parts = partsOf(module, document, workers).map(limitsIn);
  for (const [name, limit] of Object.entries(limitsIn(document))) {
    const numbers = parts.map((part) => part[name] ?? Number.NaN);
    const sum = numbers.reduce((a, b) => a + b);
    expect(Math.min(...numbers), name).toBeGreaterThanOrEqual(Math.min(1, whole));
    expect(Math.max(...numbers) - Math.min(...numbers), name).toBeLessThanOrEqual(1);
    if (name.endsWith("budget")) {
      expect(sum, name).toBeGreaterThanOrEqual(limit);
      expect(sum, name).toBeLessThan(limit + workers);
    } else {
      expect(sum, name).toBe(whole === 0 ? 0 : Math.max(limit, workers));
    }
  }
}

export const divideTraps: Readonly<Record<string, (module: DivideModule) => void>> = {
  "what is left over goes to the first workers, one each": (module) => {
    const parts = partsOf(module, limited(10), 4).map((part) => limitsIn(part)["in connections"]);
    expect(parts).toEqual([3, 3, 2, 2]);
  },
  "every limit of the whole is divided, and the parts add up to it": (module) => {
    for (const [whole, workers] of [
      [10, 4],
      [7, 2],
      [1_024, 3],
      [3, 4],
      [1, 2],
    ] as const) {
      checkSums(module, whole, workers);
    }
  },
  "0 stays 0, and no limit stays none": (module) => {
    expect(module.partOf(0, { index: 1, workers: 2 })).toBe(0);
    const none = Number.POSITIVE_INFINITY;
    expect(module.partOf(none, { index: 1, workers: 2 })).toBe(none);
  },
  "a rate is a part of the rate, exactly": (module) => {
    for (const part of partsOf(module, limited(9), 3)) {
      const [rate] = managerOf(part).filters as LocalRateLimitConfig[];
      expect(rate).toMatchObject({ tokensMax: 3, tokensPerFill: 5, fillIntervalMs: 300 });
    }
  },
  "a budget's percentage is nobody's share": (module) => {
    for (const part of partsOf(module, limited(9), 3)) {
      const { breakers } = part.clusters.get("backend")!;
      expect(breakers.default.retryBudget).toEqual({ percent: 20, retriesMin: 3 });
      expect(breakers.high.retryBudget).toEqual({ percent: 20, retriesMin: 3 });
    }
    const uneven = partsOf(module, limited(3), 2).map((part) => {
      return part.clusters.get("backend")!.breakers.default.retryBudget?.retriesMin;
    });
    expect(uneven).toEqual([2, 2]);
  },
  "one place of the document stays one object, so that routes share its filter": (module) => {
    const [part] = partsOf(module, limited(8), 2);
    const [first, second] = managerOf(part!).virtualHosts[0]!.routes;
    expect(first?.filters.get("rate")).toMatchObject({ tokensMax: 4, fillIntervalMs: 200 });
    expect(second?.filters.get("rate")).toBe(first?.filters.get("rate"));
    expect(first?.filters.get("rate")).not.toBe(managerOf(part!).filters[0]);
    expect(first?.filters.get("fault")).toBe(false);
  },
  "one inherited setting in two maps is one object": (module) => {
    const whole = limited(8);
    const { filters, virtualHosts } = managerOf(whole);
    // A route of its own takes over what its virtual host says.
    const own = new Map([["rate", filters[0]!]]);
    (virtualHosts[0]!.routes as RouteConfig[])[1] = { ...forwardRoute(), filters: own };
    const [part] = partsOf(module, whole, 2);
    const manager = managerOf(part!);
    expect(manager.virtualHosts[0]?.routes[1]?.filters.get("rate")).toBe(manager.filters[0]);
  },
  "one worker runs the document itself; a worker that is not there is refused": (module) => {
    const whole = limited(8);
    expect(module.divide(whole, { index: 0, workers: 1 })).toBe(whole);
    for (const share of [
      { index: 2, workers: 2 },
      { index: -1, workers: 2 },
      { index: 0, workers: 0 },
      { index: 0, workers: 1.5 },
    ]) {
      expect(() => module.divide(whole, share)).toThrow(RangeError);
    }
  },
  "the whole stays as it was, with its version": (module) => {
    const whole = limited(8);
    const before = structuredClone(limitsIn(whole));
    const [part] = partsOf(module, whole, 2);
    expect(limitsIn(whole)).toEqual(before);
    expect(part?.version).toBe(whole.version);
    expect(part?.clusters.get("backend")?.endpoints).toBe(whole.clusters.get("backend")?.endpoints);
  },
  "a rate that is too slow to be counted exactly is refused by name": (module) => {
    // A bucket counts in windows of ten years, and no longer ones.
    const soon = limited(2, { tokensMax: 1, tokensPerFill: 1, fillIntervalMs: 1e11 });
    expect(() => module.divide(soon, { index: 0, workers: 2 })).not.toThrow();
    const slow = limited(2, { tokensMax: 1, tokensPerFill: 1, fillIntervalMs: 2e11 });
    expect(() => module.divide(slow, { index: 0, workers: 2 })).toThrow(
      /filter rate: cannot be divided among 2 workers: .*; choose smaller numbers/,
    );
  },
};
