// The probe that a configuration asks for. Each kind has a file of its own beside this one.
import type { ClientCodec } from "../../codec/codec.ts";
import type { ClusterConfig, HealthCheckConfig } from "../../config/cluster-config.ts";
import type { Connector, Wish } from "../../upstream/connect.ts";
import type { Probe } from "../health-checker.ts";
import { type Connect, connectBy } from "./connect.ts";
import { grpcProbe } from "./grpc-probe.ts";
import { httpProbe } from "./http-probe.ts";
import { tcpProbe } from "./tcp-probe.ts";

/** How the hosts of a cluster are spoken to. */
export interface ProbeOptions {
  readonly connector: Connector;
  readonly codec: ClientCodec;
  readonly protocol: ClusterConfig["protocol"];
  /** Of the whole probe. */
  readonly timeoutMs: number;
}

/** Asks a host over real sockets, in the way in which the cluster's requests go. */
export function makeProbe(check: HealthCheckConfig["check"], options: ProbeOptions): Probe {
  const { connector, codec, timeoutMs } = options;
  const by = (wish: Wish): Connect => connectBy(connector, wish, timeoutMs);
  switch (check.kind) {
    case "tcp":
      return tcpProbe(check, by("tcp"));
    case "http":
      return httpProbe(check, by(options.protocol === "http2" ? "h2" : "http/1.1"), codec);
    case "grpc":
      return grpcProbe(check, by("h2"));
  }
}
