// A whole sidecar whose configuration, certificates and endpoints change under load: clients of
// HTTP/1.1, HTTP/2 and gRPC, with and without TLS, through filters, access logs, and clusters whose
// pools are replaced under their requests. All that is asked must be answered.
import path from "node:path";
import { type Random, SeededRandom } from "@compendium/runtime";
import { compile } from "../../src/config/compile.ts";
import { Sidecar } from "../../src/sidecar.ts";
import { Authority, Files } from "../tls/files.ts";
import { clientKinds, type LoadClient, makeLoadClient } from "./clients.ts";
import { type DocumentListener, documentOf, type TlsFiles, usualFilters } from "./document.ts";
import { type Hosts, startHosts } from "./hosts.ts";
import { Load } from "./load.ts";

/** What may change from one step to the next. */
export type Change = "configuration" | "certificates" | "endpoints";

export interface SwapOptions {
  readonly seed: number;
  readonly changes: readonly Change[];
  /** Whether there is to be another change, after so many of them. */
  readonly goesOn: (changes: number) => boolean;
  /** Requests at a time of each of the six clients. Default: 2. */
  readonly workers?: number;
}

export interface SwapReport {
  readonly counts: Readonly<Record<Change, number>>;
  readonly requests: number;
  readonly failures: readonly string[];
  /** Right answers, by the kind of client. */
  readonly answered: ReadonlyMap<string, number>;
  /** Certificates that came into use. */
  readonly rotations: number;
  /** Requests that were still counted as under way when none was. */
  readonly left: number;
}

// What one step draws, and the document is made of.
interface Drawn {
  generation: number;
  isFiltered: boolean;
  isLogged: boolean;
  hasThird: boolean;
  app: readonly number[];
  grpc: readonly number[];
}

export async function swapUnderLoad(options: SwapOptions): Promise<SwapReport> {
  const { seed, changes, goesOn, workers = 2 } = options;
  const random = new SeededRandom(seed);
  using files = new Files();
  const group = new Authority("group");
  const caFile = files.write("ca.crt", group.ca);
  const renew = (): TlsFiles => {
    const pair = files.pair("proxy", group.member("proxy", ["127.0.0.1", "localhost"]));
    return { ...pair, caFile };
  };
  await using hosts = await startHosts(group, seed);
  await using sidecar = new Sidecar();
  const tls = renew();
  const { app, grpc } = hosts;
  const now: Drawn = {
    generation: 0,
    isFiltered: false,
    isLogged: false,
    hasThird: false,
    app,
    grpc,
  };
  const logFile = path.join(files.folder, "access.log");
  const apply = () => sidecar.apply(compile(documentFor(now, hosts, tls, logFile)));
  await apply();
  const load = new Load(clientsOf(sidecar, group), workers);
  const counts = { configuration: 0, certificates: 0, endpoints: 0 };
  for (let i = 0; goesOn(i) && load.failures.length === 0; i++) {
    const change = changes[random.below(changes.length)] as Change;
    counts[change]++;
    if (change === "certificates") {
      renew();
      await sidecar.plane.secrets.refresh();
    } else {
      draw(change, now, random, hosts);
      await apply();
    }
    // Some meet the change with a connection under way, some with a stream, some with neither.
    await load.more(1 + random.below(6));
  }
  await load.stop();
  const { requests, failures, answered } = load;
  const { rotations } = sidecar.plane.secrets.numbers;
  // A stream is over a moment after its last byte.
  for (let i = 0; sidecar.plane.active > 0 && i < 100; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { counts, requests, failures, answered, rotations, left: sidecar.plane.active };
}

function clientsOf({ plane }: Sidecar, group: Authority): LoadClient[] {
  const member = group.member("client");
  return clientKinds.flatMap((kind) => [
    makeLoadClient(kind, { port: plane.portOf("plain")!, path: "/app" }),
    makeLoadClient(kind, { port: plane.portOf("tls")!, path: "/secure", member }),
  ]);
}

function draw(change: Change, now: Drawn, random: Random, hosts: Hosts): void {
  if (change === "endpoints") {
    now.app = some(random, hosts.app);
    now.grpc = some(random, hosts.grpc);
    return;
  }
  now.generation++;
  now.isFiltered = random.below(2) === 0;
  now.isLogged = random.below(2) === 0;
  now.hasThird = random.below(2) === 0;
}

function some(random: Random, ports: readonly number[]): readonly number[] {
  const chosen = ports.filter(() => random.below(2) === 0);
  return chosen.length > 0 ? chosen : [ports[random.below(ports.length)] as number];
}

function documentFor(now: Drawn, hosts: Hosts, tls: TlsFiles, accessLogFile: string): object {
  const { generation, isFiltered, isLogged, hasThird, app, grpc } = now;
  const routes: DocumentListener["routes"] = [
    ["/load.Echo/", "grpc"],
    ["/secure", "secure"],
    ["/", "app"],
  ];
  const more = {
    routes,
    ...(isFiltered && { filters: usualFilters, retries: 1 }),
    ...(isLogged && { accessLogFile }),
  };
  const listeners: DocumentListener[] = [
    { name: "plain", ...more },
    { name: "tls", tls, ...more },
    ...(hasThird ? [{ name: "third", routes }] : []),
  ];
  // Each generation has other clusters by their values, so that their pools are replaced.
  const connectTimeout = `${5_000 + generation}ms`.replace(/(\d+)(\d{3})ms/, "$1.$2s");
  return documentOf({
    listeners,
    clusters: [
      { name: "app", ports: app, protocol: "http1", connectTimeout },
      { name: "secure", ports: hosts.secure, protocol: "http1", tls, connectTimeout },
      { name: "grpc", ports: grpc, protocol: "http2", connectTimeout },
    ],
  });
}
