export {
  decisionSecondsBounds,
  type ExponentialBounds,
  exponentialBounds,
  latencySecondsBounds,
} from "./buckets.ts";
export { type Emit, type Family, type LabelSets, SERIES_MAX } from "./family.ts";
export { Histogram, type HistogramSnapshot, quantileOf } from "./histogram.ts";
export type { MetricType } from "./names.ts";
export { registerMetrics } from "./register.ts";
export type { MetricRegistry } from "./registry.ts";
