// The probe that a configuration asks for. Each kind has a file of its own beside this one.
import type { HealthCheckConfig } from "../../config/cluster-config.ts";
import type { Probe } from "../health-checker.ts";
import { type Connect, connectTcp } from "./connect.ts";
import { grpcProbe } from "./grpc-probe.ts";
import { httpProbe } from "./http-probe.ts";
import { tcpProbe } from "./tcp-probe.ts";

/**
 * Asks a host over real sockets.
 *
 * @param connect as the cluster's requests do. Default: plain TCP
 */
export function makeProbe(check: HealthCheckConfig["check"], connect: Connect = connectTcp): Probe {
  switch (check.kind) {
    case "tcp":
      return tcpProbe(check, connect);
    case "http":
      return httpProbe(check, connect);
    case "grpc":
      return grpcProbe(check, connect);
  }
}
