// The numbers of a proxy for Prometheus, read when it asks: a scrape adds up what the hot path has
// counted, and changes nothing. The labels are names of the configuration and closed sets of words.
//
// A configuration that takes another's place has other names, so the families are registered anew
// with it; the numbers of what stays go on.
import { type MetricRegistry, registerMetrics } from "@compendium/metrics";
import { familiesOf } from "./observe/families.ts";
import type { MeasurablePlane } from "./observe/measurable.ts";

export type {
  MeasurableCluster,
  MeasurableFilter,
  MeasurableListener,
  MeasurablePlane,
} from "./observe/measurable.ts";
export type { StatusClass, TrafficNumbers } from "./observe/meter.ts";

/**
 * Shows a proxy in `registry`, whatever its configuration becomes, until the returned object is
 * disposed. One registry shows one proxy.
 *
 * @throws TypeError when another proxy is shown in it already
 */
export function registerSidecar(registry: MetricRegistry, plane: MeasurablePlane): Disposable {
  let registered = registerMetrics(registry, familiesOf(plane));
  const watch = plane.onConfigured(() => {
    registered[Symbol.dispose]();
    registered = registerMetrics(registry, familiesOf(plane));
  });
  return {
    [Symbol.dispose]: () => {
      watch[Symbol.dispose]();
      registered[Symbol.dispose]();
    },
  };
}
