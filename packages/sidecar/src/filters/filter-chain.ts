// The filters of a connection manager, in their order, and for each route the list that holds for
// it: its settings take the place of the chain's, `false` takes a filter out. Lists are made once
// for a route, not for a request. Each place in the configuration has a filter of its own: two
// routes with the same rate limit have two token buckets.
//
// When a configuration changes, a place whose settings are the same keeps its filter: a bucket does
// not fill up, and a limit that was learnt is not forgotten, because somebody edited a route.
import { isDeepStrictEqual } from "node:util";
import type { HttpFilterConfig } from "../config/filter-config.ts";
import type { FilterOverrides } from "../config/route-config.ts";
import type { HttpFilter } from "./http-filter.ts";

/** Makes the filter that a configuration describes. */
export type FilterFactory = (config: HttpFilterConfig) => HttpFilter;

type Made = Map<HttpFilterConfig, HttpFilter>;

/** What a chain is made of. */
export interface FilterChainOptions {
  /** In the order in which requests pass them. */
  readonly filters: readonly HttpFilterConfig[];
  /** Of all routes. */
  readonly overrides: Iterable<FilterOverrides>;
  readonly make: FilterFactory;
  /** The chain whose place this one takes. */
  readonly before?: FilterChain | undefined;
}

/** The filters of one connection manager. */
export class FilterChain {
  // By the object that describes it: one place in the document is one object.
  readonly #made: Made = new Map();
  readonly #lists = new Map<FilterOverrides, readonly HttpFilter[]>();
  readonly #plain: readonly HttpFilter[];

  constructor({ filters, overrides, make, before }: FilterChainOptions) {
    const left: Made = new Map(before === undefined ? [] : before.#made);
    const filterOf = (config: HttpFilterConfig): HttpFilter => {
      const filter = this.#made.get(config) ?? takeEqual(left, config) ?? make(config);
      this.#made.set(config, filter);
      return filter;
    };
    this.#plain = filters.map(filterOf);
    for (const own of overrides) {
      if (own.size === 0) continue;
      const list = filters.flatMap((config) => {
        const chosen = own.get(config.name) ?? config;
        return chosen === false ? [] : [filterOf(chosen)];
      });
      this.#lists.set(own, list);
    }
  }

  /** Each filter, of whatever route, once. */
  all(): Iterable<HttpFilter> {
    return this.#made.values();
  }

  /** The filters of a route, in order; for a request without a route those of the chain. O(1). */
  filtersFor(overrides: FilterOverrides | undefined): readonly HttpFilter[] {
    return (overrides && this.#lists.get(overrides)) ?? this.#plain;
  }
}

function takeEqual(left: Made, config: HttpFilterConfig): HttpFilter | undefined {
  for (const [known, filter] of left) {
    if (!isDeepStrictEqual(known, config)) continue;
    left.delete(known);
    return filter;
  }
  return undefined;
}
