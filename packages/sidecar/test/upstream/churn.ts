// Endpoints that come and go under load, through the proxy and real sockets: each change leaves a
// few of some servers, by a seed. Used by a test with some hundred changes, and by `npm run
// simulate` with thousands.
import { SeededRandom } from "@compendium/runtime";
import type { ClusterConfig } from "../../src/config/cluster-config.ts";
import { snapshotOf, startProxy } from "../proxy/harness.ts";
import { makeClient, startUpstream, type Upstream, type Version } from "../proxy/peers.ts";
import { turns, until } from "./turns.ts";

export interface ChurnOptions {
  readonly seed: number;
  readonly changes: number;
  readonly upstream: Version;
  readonly cluster?: Partial<ClusterConfig>;
}

export interface ChurnResult {
  readonly requests: number;
  /** What a request got that was not 200: its status, or its error. */
  readonly failures: readonly string[];
  /** How many servers have answered. */
  readonly servers: number;
  /** Connections to upstream, of which each change may cost some. */
  readonly connections: number;
  /** Whether the cluster was the same object in the end as in the beginning. */
  readonly isSame: boolean;
}

const SERVERS = 6;

export async function runChurn(options: ChurnOptions): Promise<ChurnResult> {
  const random = new SeededRandom(options.seed);
  await using opened = new AsyncDisposableStack();
  const answered = new Set<number>();
  const servers: Upstream[] = [];
  for (let i = 0; i < SERVERS; i++) {
    const server = await startUpstream(options.upstream, async () => {
      answered.add(i);
      await turns(random.below(3));
      return { status: 200, body: "ok" };
    });
    servers.push(opened.use(server));
  }
  const protocol = options.upstream === "h1" ? "http1" : "http2";
  const configured = () => {
    const upstreamPorts = servers.filter(() => random.below(2) === 0).map(({ port }) => port);
    if (upstreamPorts.length === 0) upstreamPorts.push(servers[random.below(SERVERS)]!.port);
    return { upstreamPorts, cluster: { protocol, ...options.cluster } as const };
  };
  const proxy = opened.use(await startProxy(configured()));
  const first = proxy.plane.clusterOf("backend");
  const failures: string[] = [];
  let isOver = false;
  let requests = 0;
  const load = (["h1", "h2"] as const).flatMap((version) =>
    ["GET", "POST"].map(async (method) => {
      using client = makeClient(version, proxy.port);
      while (!isOver) {
        const body = method === "POST" ? { body: "once" } : {};
        const got = await client.send({ method, ...body }).then(({ status }) => status, String);
        if (got !== 200) failures.push(`${version} ${method}: ${got}`);
        requests++;
      }
    }),
  );
  for (let i = 0; i < options.changes; i++) {
    await proxy.plane.apply(snapshotOf(configured()));
    // Some meet the change with a connection under way, some with a stream, some with none.
    const before = requests;
    await until(() => requests >= before + 3);
    await turns(random.below(4));
  }
  isOver = true;
  await Promise.all(load);
  return {
    requests,
    failures,
    servers: answered.size,
    connections: servers.reduce((sum, server) => sum + server.connections(), 0),
    isSame: proxy.plane.clusterOf("backend") === first,
  };
}
