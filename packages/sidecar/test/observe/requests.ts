// Requests as observers are told of them.
import { ManualClock } from "@compendium/runtime";
import { Fields } from "../../src/codec/fields.ts";
import { RequestInfo } from "../../src/router/request-info.ts";
import type { ResponseFlag } from "../../src/router/response-flags.ts";

export interface RequestSketch {
  readonly clock?: ManualClock;
  readonly status?: number;
  readonly cluster?: string;
  readonly attempts?: number;
  readonly durationMs?: number;
  readonly flags?: readonly ResponseFlag[];
  readonly path?: string;
  readonly fields?: readonly string[];
}

/** A request that has begun, and ended if it has a status. */
export function requestOf(sketch: RequestSketch = {}): RequestInfo {
  const { clock = new ManualClock(), status, durationMs = 5 } = sketch;
  const peer = {
    remoteAddress: "192.0.2.7",
    remotePort: 4711,
    localAddress: "192.0.2.1",
    localPort: 80,
    tls: undefined,
  };
  const info = new RequestInfo(peer, clock);
  info.request = {
    method: "GET",
    scheme: "http",
    authority: "shop.example",
    path: sketch.path ?? "/a?b=1",
    fields: new Fields([...(sketch.fields ?? [])]),
    protocol: "http/1.1",
    upgrade: undefined,
  };
  for (const flag of sketch.flags ?? []) info.flags.add(flag);
  info.upstreamCluster = sketch.cluster;
  info.upstreamAttempts = sketch.attempts ?? (sketch.cluster === undefined ? 0 : 1);
  info.bytesReceived = 3;
  info.bytesSent = 7;
  if (status !== undefined) info.responseBegan({ status, fields: new Fields() });
  info.durationMs = durationMs;
  return info;
}
