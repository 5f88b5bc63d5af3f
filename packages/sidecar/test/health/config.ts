// A health check's configuration for tests to change.
import type { HealthCheckConfig } from "../../src/config/cluster-config.ts";

export function healthCheck(more: Partial<HealthCheckConfig> = {}): HealthCheckConfig {
  return {
    timeoutMs: 1_000,
    intervalMs: 5_000,
    intervalJitterMs: 0,
    noTrafficIntervalMs: 60_000,
    unhealthyIntervalMs: 2_000,
    unhealthyThreshold: 3,
    healthyThreshold: 2,
    check: { kind: "tcp", send: new Uint8Array(), receive: new Uint8Array() },
    ...more,
  };
}
