// A proxy with filters, between real sockets.
import { ManualClock } from "@compendium/runtime";
import type {
  AuthorizationConfig,
  CompressorConfig,
  CorsConfig,
  HttpFilterConfig,
} from "../../src/config/filter-config.ts";
import type { HttpFilter } from "../../src/filters/http-filter.ts";
import { makeFilter } from "../../src/filters/make-filter.ts";
import type { RequestInfo } from "../../src/router/request-info.ts";
import { type ProxyOptions, startProxy } from "../proxy/harness.ts";
import { type GotResponse, makeClient, startUpstream, type Version } from "../proxy/peers.ts";
import { drawing } from "./harness.ts";
import { rbacConfig } from "./rbac-traps.ts";

export const ALL = 1_000_000;
export const versions: readonly Version[] = ["h1", "h2"];
export const grpc = { "content-type": "application/grpc", te: "trailers" };
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const compressor: CompressorConfig = {
  kind: "compressor",
  name: "compressor",
  contentTypes: ["text/plain"],
  bytesMin: 30,
};

export const cors: CorsConfig = {
  kind: "cors",
  name: "cors",
  origins: [{ kind: "suffix", value: ".a.example", ignoreCase: false }],
  methods: "GET",
  headers: "",
  exposeHeaders: "",
  maxAge: "",
  credentials: false,
};

export const denyAdmin: AuthorizationConfig = rbacConfig("deny", {
  admin: {
    what: [{ kind: "path", matcher: { kind: "prefix", value: "/admin", ignoreCase: false } }],
  },
});

export interface Filtered extends AsyncDisposable {
  readonly port: number;
  /** Requests that have ended. */
  readonly infos: RequestInfo[];
  readonly filters: Map<string, HttpFilter>;
  readonly seen: string[];
}

/** A proxy with filters before an upstream that echoes. */
export async function startFiltered(
  filters: readonly HttpFilterConfig[],
  more: Partial<ProxyOptions> = {},
): Promise<Filtered> {
  const seen: string[] = [];
  const upstream = await startUpstream("h1", ({ path, body }) => {
    seen.push(path);
    const headers = { "content-type": "text/plain", etag: '"1"' };
    return { status: 200, headers, body: body.length > 0 ? body : "x".repeat(5_000) };
  });
  const infos: RequestInfo[] = [];
  const made = new Map<string, HttpFilter>();
  const clock = more.clock ?? new ManualClock();
  const proxy = await startProxy({
    upstreamPorts: [upstream.port],
    ...more,
    http: { filters, ...more.http },
    makeFilter: (config) => {
      const filter = makeFilter(config, { clock, random: drawing() });
      made.set(config.name, filter);
      return filter;
    },
    observersFor: () => [{ onEnd: (info) => void infos.push(info) }],
  });
  return {
    port: proxy.port,
    infos,
    filters: made,
    seen,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** A number of a filter. */
export const countOf = ({ filters }: Filtered, name: string, number: string): number | undefined =>
  filters.get(name)?.numbers?.[number];

/** One request, by a client of its own. */
export async function send(
  version: Version,
  port: number,
  request: Parameters<ReturnType<typeof makeClient>["send"]>[0],
): Promise<GotResponse> {
  using client = makeClient(version, port);
  return await client.send(request);
}
