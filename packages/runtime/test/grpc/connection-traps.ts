// Sentences about connections: what becomes a link, what does not, and what ends with it. None
// depends on how long something takes.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import * as http2 from "node:http2";
import * as net from "node:net";
import type { Link } from "@compendium/runtime";
import { all, callOf, codeOf, LINK_PATH, LOCAL, refusalOf, type Trap } from "./world.ts";

export const connectionTraps: readonly Trap[] = [
  {
    name: "a connection has one link",
    run: async (world) => {
      const links: Link[] = [];
      const { address } = await world.transport().listen(LOCAL, (link) => links.push(link));
      const { call, client } = world.rawCall(address);
      await once(call, "metadata");
      const second = callOf(client);
      call.end();
      const [error] = (await once(second, "error")) as [Error];
      match(String(error), /FAILED_PRECONDITION|UNAVAILABLE|REFUSED/);
      equal(links.length, 1);
    },
  },
  {
    name: "what speaks another protocol, or none, is closed, and others are not disturbed",
    run: async (world) => {
      const b = world.transport({ handshakeMs: 50 });
      const { address, accepted } = await world.listening(b);
      // A busy machine may need more than that to make a link.
      const near = await insist(() => world.transport().connect(address));
      const far = await accepted;
      const before = b.stats().handshakesFailed;
      const stray = await world.socket(address);
      stray.write("GET / HTTP/1.1\r\nhost: example.org\r\n\r\n");
      stray.resume();
      const silent = await world.socket(address);
      silent.resume();
      const session = http2.connect(`http://${address}`);
      session.on("error", () => {});
      session.request({ ":path": "/", ":method": "POST" }).on("error", () => {});
      const other = http2.connect(`http://${address}`);
      other.on("error", () => {});
      const grpc = { "content-type": "application/grpc", te: "trailers", ":method": "POST" };
      other.request({ ...grpc, ":path": "/another.Service/Method" }).on("error", () => {});
      await Promise.all([stray, silent, session, other].map(closed));
      for (let turns = 0; b.stats().handshakesFailed < before + 4; turns++) {
        ok(turns < 1_000, "they are counted");
        await new Promise((next) => setImmediate(next));
      }
      near.send(Uint8Array.of(1));
      near.close();
      deepEqual(await all(far), [Uint8Array.of(1)]);
      equal(b.stats().handshakesFailed, before + 4);
    },
  },
  {
    name: "whoever answers nothing is given up as CONNECT_FAILED",
    run: async (world) => {
      const silent = net.createServer(() => {}).listen(0, "127.0.0.1");
      await once(silent, "listening");
      world.defer(() => silent.close());
      const address = `127.0.0.1:${(silent.address() as { port: number }).port}`;
      const refusal = await refusalOf(world.transport({ handshakeMs: 30 }).connect(address));
      match(String(refusal), /no answer within 30 ms/);
      equal(codeOf(refusal), "CONNECT_FAILED");
    },
  },
  {
    name: "a call that is refused is not made again",
    run: async (world) => {
      const calls: string[] = [];
      const server = http2.createServer();
      server.on("stream", (stream, headers) => {
        calls.push(String(headers[":path"]));
        stream.on("error", () => {});
        stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      world.defer(() => server.close());
      const address = `127.0.0.1:${(server.address() as { port: number }).port}`;
      equal(codeOf(await refusalOf(world.transport().connect(address))), "CONNECT_FAILED");
      deepEqual(calls, [LINK_PATH]);
    },
  },
  {
    name: "two protocols do not meet: who dials the other's port is refused, and told why",
    run: async (world) => {
      const b = world.transport({ service: "ours.v1.Links" });
      const links: Link[] = [];
      const { address } = await b.listen(LOCAL, (link) => links.push(link));
      const refusal = await refusalOf(
        world.transport({ service: "theirs.v1.Links" }).connect(address),
      );
      equal(codeOf(refusal), "CONNECT_FAILED");
      match(String(refusal), /both ends must name the same service/);
      equal(links.length, 0);
      await world.transport({ service: "ours.v1.Links" }).connect(address);
      equal(links.length, 1);
    },
  },
  {
    name: "two links to one address have a connection each, and break alone",
    run: async (world) => {
      const links: Link[] = [];
      const b = world.transport();
      const { address } = await b.listen(LOCAL, (link) => links.push(link));
      const a = world.transport();
      const first = await a.connect(address);
      const second = await a.connect(address);
      equal(new Set(links.map(({ peer }) => peer)).size, 2);
      links[0]?.destroy();
      equal(codeOf(await first.closed), "LINK_BROKEN");
      second.send(Uint8Array.of(2));
      second.close();
      deepEqual(await all(links[1] as Link), [Uint8Array.of(2)]);
      equal(links.length, 2);
    },
  },
  {
    name: "a listener holds linksMax links; further ones are refused and counted",
    run: async (world) => {
      const b = world.transport({ linksMax: 1 });
      const { address } = await b.listen(LOCAL, () => {});
      const a = world.transport();
      await a.connect(address);
      const refusal = await refusalOf(a.connect(address));
      equal(codeOf(refusal), "CONNECT_FAILED");
      match(String(refusal), /linksMax/);
      equal(b.stats().linksRefused, 1);
      equal(b.stats().links, 1);
    },
  },
  {
    name: "close ends listeners and links, and everything is counted back to nothing",
    run: async (world) => {
      const { a, b, address } = await world.linked({ near: { lingerMs: 60_000 } });
      await Promise.all([a[Symbol.asyncDispose](), b.close()]);
      deepEqual([a.stats().links, b.stats().links], [0, 0]);
      equal(codeOf(await refusalOf(a.connect(address))), "CONNECT_FAILED");
    },
  },
];

// Not `once`, which would object to the error that may come before.
function closed(it: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => it.on("close", resolve));
}

// Tries until it works, or has not worked a hundred times.
async function insist(connect: () => Promise<Link>): Promise<Link> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await connect();
    } catch (error) {
      if (attempts === 100) throw error;
    }
  }
}
