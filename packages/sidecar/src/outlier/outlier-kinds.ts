// The words of outlier detection: what becomes of a request, by what a host may stand out, and how
// much of that is enforced. What is done about it stands in outlier-detector.ts.
import type { OutlierConfig } from "../config/cluster-config.ts";

/** Ways to stand out. */
export const outlierKinds = [
  "consecutive-5xx",
  "consecutive-gateway-failure",
  "consecutive-local-origin-failure",
  "success-rate",
  "local-origin-success-rate",
  "failure-percentage",
  "local-origin-failure-percentage",
] as const;

/** One of {@link outlierKinds}. */
export type OutlierKind = (typeof outlierKinds)[number];

/**
 * What became of a request, or of the connection for it. "connected" is the first half of a request
 * that goes on; "connected-only" is the whole of one that has nothing behind the connection (TCP).
 */
export type OutlierResult =
  | "succeeded"
  | "failed"
  | "connected"
  | "connected-only"
  | "connect-failed"
  | "timed-out";

/** Counts since the beginning; `active` is how many hosts are ejected now. */
export interface OutlierNumbers {
  readonly detected: Record<OutlierKind, number>;
  readonly enforced: Record<OutlierKind, number>;
  active: number;
  /** Ejections that the maximum has prevented. */
  overflow: number;
}

/** Nothing has happened yet. */
export function noOutliers(): OutlierNumbers {
  return { detected: none(), enforced: none(), active: 0, overflow: 0 };
}

/**
 * The status that a result stands for. "connected" has none: it is half a request, and the status
 * of the other half will be told.
 */
export function statusOf(result: OutlierResult): number | undefined {
  switch (result) {
    case "succeeded":
    case "connected-only":
      return 200;
    case "failed":
      return 500;
    case "connect-failed":
      return 503;
    case "timed-out":
      return 504;
    case "connected":
      return undefined;
  }
}

/** In how many of a hundred cases a host that stands out is ejected. */
export function enforcingOf(config: OutlierConfig, kind: OutlierKind): number {
  switch (kind) {
    case "consecutive-5xx":
      return config.enforcingConsecutive5xx;
    case "consecutive-gateway-failure":
      return config.enforcingConsecutiveGatewayFailure;
    case "consecutive-local-origin-failure":
      return config.enforcingConsecutiveLocalOriginFailure;
    case "success-rate":
      return config.enforcingSuccessRate;
    case "local-origin-success-rate":
      return config.enforcingLocalOriginSuccessRate;
    case "failure-percentage":
      return config.enforcingFailurePercentage;
    case "local-origin-failure-percentage":
      return config.enforcingFailurePercentageLocalOrigin;
  }
}

function none(): Record<OutlierKind, number> {
  return Object.fromEntries(outlierKinds.map((kind) => [kind, 0])) as Record<OutlierKind, number>;
}
