// Envoy's defaults, for tests to change.
import type { OutlierConfig } from "../../src/config/cluster-config.ts";

export const defaults: OutlierConfig = {
  consecutive5xx: 5,
  enforcingConsecutive5xx: 100,
  consecutiveGatewayFailure: 5,
  enforcingConsecutiveGatewayFailure: 0,
  splitsLocalOrigin: false,
  consecutiveLocalOriginFailure: 5,
  enforcingConsecutiveLocalOriginFailure: 100,
  intervalMs: 10_000,
  baseEjectionTimeMs: 30_000,
  ejectionTimeMsMax: 300_000,
  ejectionTimeJitterMsMax: 0,
  ejectionPercentMax: 10,
  enforcingSuccessRate: 100,
  successRateMinimumHosts: 5,
  successRateRequestVolume: 100,
  successRateStdevFactor: 1_900,
  enforcingLocalOriginSuccessRate: 100,
  enforcingFailurePercentage: 0,
  failurePercentageThreshold: 85,
  failurePercentageMinimumHosts: 5,
  failurePercentageRequestVolume: 50,
  enforcingFailurePercentageLocalOrigin: 0,
  alwaysEjectsOneHost: false,
};
