// What a request pays for each filter, and what a response pays for gzip. Medians of CPU time over
// interleaved rounds, in one process, without sockets.
//
//     node --conditions=@compendium/source bench/filters.ts [--json FILE]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { SeededRandom, systemClock } from "@compendium/runtime";
import { Fields } from "../src/codec/fields.ts";
import type { AuthorizationConfig, HttpFilterConfig, Rule } from "../src/config/filter-config.ts";
import type { FilteredRequest, ResponseStage } from "../src/filters/http-filter.ts";
import { makeFilter } from "../src/filters/make-filter.ts";
import { RequestInfo } from "../src/router/request-info.ts";

const { values } = parseArgs({ options: { json: { type: "string" } } });

const REQUESTS = 100_000;
const BODIES = 100;
const BODY_BYTES = 65_536;
const ROUNDS = 9;

interface Case {
  readonly name: string;
  readonly unit: string;
  /** Makes samples of the unit out of µs. */
  readonly perUnit: number;
  readonly run: () => void | Promise<void>;
  readonly samples: number[];
}

const peer = {
  remoteAddress: "10.1.2.3",
  remotePort: 50_000,
  localAddress: "10.1.2.4",
  localPort: 8080,
  tls: {
    serverName: undefined,
    applicationProtocol: "h2",
    version: "TLSv1.3",
    peerUris: ["spiffe://example/ns/shop/sa/web"],
    peerDnsNames: [],
  },
};
const head = {
  method: "GET",
  scheme: "https",
  authority: "shop.example",
  path: "/orders/17/lines?page=2",
  fields: new Fields(["accept", "*/*", "origin", "https://a.example", "accept-encoding", "gzip"]),
  protocol: "h2" as const,
  upgrade: undefined,
};

/** A request that forgets what filters ask of it, but for their last word. */
class BareRequest implements FilteredRequest {
  readonly head = head;
  readonly hasBody = false;
  readonly info: RequestInfo = new RequestInfo(peer, systemClock);
  make: Parameters<FilteredRequest["transform"]>[0] | undefined;
  visit: ((response: { status: number; fields: Fields }) => void) | undefined;
  end: ((info: RequestInfo) => void) | undefined;

  onResponse(visit: (response: { status: number; fields: Fields }) => void): void {
    this.visit = visit;
  }

  transform(make: Parameters<FilteredRequest["transform"]>[0]): void {
    this.make = make;
  }

  onEnd(visit: (info: RequestInfo) => void): void {
    this.end = visit;
  }
}

/** Policies of which the last one holds. */
function policies(count: number, permission: (i: number) => Rule): AuthorizationConfig {
  const entries = Array.from({ length: count }, (_, i) => {
    const matcher = {
      kind: "exact",
      value: i === count - 1 ? peer.tls.peerUris[0]! : `spiffe://example/ns/shop/sa/other-${i}`,
      ignoreCase: false,
    } as const;
    const name = `policy-${String(i).padStart(4, "0")}`;
    const principals: Rule[] = [{ kind: "principal", matcher }];
    return [name, { principals, permissions: [permission(i)] }] as const;
  });
  return { kind: "rbac", name: "rbac", action: "allow", policies: new Map(entries) };
}

const orders = (): Rule => {
  const matcher = { kind: "prefix", value: "/orders/", ignoreCase: false } as const;
  return { kind: "path", matcher };
};
const network = (): Rule => ({ kind: "direct-ip", prefix: "10.0.0.0", length: 8 });
const all = 1_000_000;
const rate = { tokensMax: 1_000_000_000, tokensPerFill: 1_000, fillIntervalMs: 1 };
const origins = [{ kind: "exact", value: "https://a.example", ignoreCase: false }] as const;
const words = { methods: "GET", headers: "", exposeHeaders: "", maxAge: "", credentials: false };

const filters: readonly (readonly [name: string, config: HttpFilterConfig])[] = [
  ["authorization, 1 policy by name and path", policies(1, orders)],
  ["authorization, 100 policies by name and path", policies(100, orders)],
  ["authorization, 100 policies by name and network", policies(100, network)],
  [
    "local rate limit",
    { kind: "local-ratelimit", name: "a", ...rate, status: 429, enabled: all, enforced: all },
  ],
  ["CORS, no preflight", { kind: "cors", name: "a", origins, ...words }],
  [
    "adaptive concurrency",
    { kind: "adaptive-concurrency", name: "a", limitMin: 3, limitMax: 1_000, status: 503 },
  ],
];

function requestCase([name, config]: (typeof filters)[number]): Case {
  const filter = makeFilter(config, { clock: systemClock, random: new SeededRandom(1) });
  const request = new BareRequest();
  const run = (): void => {
    for (let i = 0; i < REQUESTS; i++) {
      if (filter.onRequest(request) !== undefined) throw new Error(`${name} refuses`);
      request.end?.(request.info);
    }
  };
  return { name, unit: "ns per request", perUnit: 1_000 / REQUESTS, run, samples: [] };
}

// Text as services send it: names that come again, numbers that do not.
const body = Buffer.from(
  Array.from({ length: 1_500 }, (_, i) => {
    return JSON.stringify({ id: i * 7_919, title: `episode ${i}`, stars: (i * i) % 997 });
  }).join("\n"),
).subarray(0, BODY_BYTES);

function gzipCase(): Case {
  const types = { contentTypes: ["application/json"], bytesMin: 30 };
  const config = { kind: "compressor", name: "a", ...types } as const;
  const filter = makeFilter(config, { clock: systemClock, random: new SeededRandom(1) });
  const respond = (): Promise<void> =>
    new Promise((resolve) => {
      const request = new BareRequest();
      filter.onRequest(request);
      const fields = new Fields(["content-type", "application/json"]);
      request.visit?.({ status: 200, fields });
      const client = {
        sendHead: () => {},
        sendData: (_chunk: Uint8Array, end: boolean) => {
          if (end) resolve();
          return true;
        },
        sendTrailers: () => {},
      };
      const stage = request.make?.(client, { status: 200, fields }, () => {}) as ResponseStage;
      stage.sendData(body, true);
    });
  const run = async (): Promise<void> => {
    for (let i = 0; i < BODIES; i++) await respond();
  };
  const unit = "µs per response";
  return { name: "gzip, 64 KiB of JSON", unit, perUnit: 1 / BODIES, run, samples: [] };
}

const cases = [...filters.map(requestCase), gzipCase()];
for (let round = -2; round < ROUNDS; round++) {
  for (const { run, samples, perUnit } of cases) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) samples.push((user + system) * perUnit);
  }
}

const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
const rows = cases.map(({ name, unit, samples }) => {
  return { case: name, unit, ours: Number(median(samples).toPrecision(3)), peers: {} };
});
console.log("| filter | CPU |\n| --- | ---: |");
for (const row of rows)
  console.log(`| ${row.case} | ${row.ours.toLocaleString("en-US")} ${row.unit} |`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
