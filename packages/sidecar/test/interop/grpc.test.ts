// grpc-js on both sides, sidecars between them, gRPC's own interoperability tests.
import { Client, type ClientOptions, compressionAlgorithms, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MemberCertificates } from "../tls/files.ts";
import { turn } from "../upstream/turns.ts";
import { cases } from "./cases.ts";
import { compressedCases } from "./compressed-cases.ts";
import { startCompressingServer } from "./compressing-server.ts";
import { type InteropServer, startInteropServer } from "./service.ts";
import { Group, openWay, type Way, ways } from "./ways.ts";

function makeClient(port: number, member?: MemberCertificates, options?: ClientOptions): Client {
  const own = { ...options, "grpc.use_local_subchannel_pool": 1 };
  const address = `127.0.0.1:${port}`;
  if (member === undefined) return new Client(address, credentials.createInsecure(), own);
  const [ca, key, certificate] = [member.ca, member.key, member.certificate].map((text) =>
    Buffer.from(text),
  );
  // A name of TLS cannot be an address (RFC 6066 §3).
  const named = { ...own, "grpc.ssl_target_name_override": "localhost" };
  return new Client(address, credentials.createSsl(ca, key, certificate), named);
}

describe.each(ways)("%s", (_name, options) => {
  const opened = new AsyncDisposableStack();
  let client: Client;
  let server: InteropServer;
  let way: Way;

  beforeAll(async () => {
    const group = opened.use(new Group());
    const { isTls } = options;
    server = opened.use(await startInteropServer(isTls ? group.member("server") : undefined));
    way = opened.use(await openWay(options, group, server.port));
    client = makeClient(way.port, isTls ? group.member("client") : undefined);
    opened.defer(() => client.close());
  });

  afterAll(() => opened.disposeAsync());

  test.each(cases)("%s", (_case, check) =>
    check({ client, begun: server.begun, ended: server.ended }),
  );

  test("and nothing is left under way", async () => {
    while (way.sidecars.some(({ plane }) => plane.active > 0)) await turn();
    for (const { plane } of way.sidecars) {
      const { breakers } = plane.clusterOf("next")!.cluster;
      expect(breakers.default.active("requests")).toBe(0);
    }
  });
});

const clearWays = ways.filter(([, { isTls }]) => !isTls);

describe.each(clearWays)("compressed messages, %s", (_name, options) => {
  test.each(compressedCases)("%s", async (_case, check) => {
    using group = new Group();
    using server = await startCompressingServer();
    await using way = await openWay(options, group, server.port);
    const plain = makeClient(way.port);
    const gzip = makeClient(way.port, undefined, {
      "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
    });
    await check({ plain, gzip }).finally(() => {
      plain.close();
      gzip.close();
    });
  });
});
