import { once } from "node:events";
import * as net from "node:net";
import type { Link } from "@compendium/runtime";
import { NodeTransport, type NodeTransportOptions } from "@compendium/runtime/node";
import { describe, expect, onTestFinished, test } from "vitest";
import { MemoryNetwork } from "./memory-transport.ts";
import { describeTransport } from "./transport.contract.ts";

const LOCAL = "127.0.0.1:0";

function transport(options?: NodeTransportOptions): NodeTransport {
  const made = new NodeTransport({ lingerMs: 200, ...options });
  onTestFinished(() => made.close());
  return made;
}

/** A transport that listens, and a plain socket that is connected to it. */
async function withSocket(options?: NodeTransportOptions) {
  const node = transport(options);
  const accepted = Promise.withResolvers<Link>();
  const { address } = await node.listen(LOCAL, accepted.resolve);
  const socket = net.connect(Number(address.split(":")[1]), "127.0.0.1");
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on("error", () => {});
  return { node, socket, link: await accepted.promise };
}

async function faultOf(link: Link): Promise<unknown> {
  try {
    for await (const _ of link);
  } catch (error) {
    return error;
  }
}

describe("MemoryTransport", () => {
  describeTransport(async () => {
    const network = new MemoryNetwork();
    return {
      a: network.transport("a"),
      b: network.transport("b"),
      address: "b",
      deserted: "c",
      messageBytesMax: 1_024,
    };
  });
});

describe("NodeTransport", () => {
  const limits = { messageBytesMax: 65_536, queueBytesMax: 300_000, inboxBytesMax: 100_000 };
  describeTransport(async () => {
    const unused = net.createServer().listen(0, "127.0.0.1");
    await once(unused, "listening");
    const { port } = unused.address() as net.AddressInfo;
    unused.close();
    await once(unused, "close");
    return {
      a: transport(limits),
      b: transport(limits),
      address: LOCAL,
      deserted: `127.0.0.1:${port}`,
      messageBytesMax: 65_536,
    };
  });

  test("a message above the limit breaks the link before a byte of it is buffered", async () => {
    const { node, socket, link } = await withSocket({ messageBytesMax: 1_000 });
    socket.write(Uint8Array.of(0, 0, 3, 233));
    expect(await faultOf(link)).toMatchObject({ code: "FRAME_TOO_LARGE" });
    expect(await link.closed).toMatchObject({ code: "FRAME_TOO_LARGE" });
    expect(node.stats()).toMatchObject({ framesRefused: 1, messagesReceived: 0, links: 0 });
  });

  test("a stray HTTP request is refused as a message that is too large", async () => {
    const { socket, link } = await withSocket();
    socket.write("GET / HTTP/1.1\r\n\r\n");
    expect(await faultOf(link)).toMatchObject({ code: "FRAME_TOO_LARGE" });
  });

  test("a peer that leaves within a message breaks the link; whole ones arrive", async () => {
    const { socket, link } = await withSocket();
    socket.end(Uint8Array.of(0, 0, 0, 1, 42, 0, 0, 0, 9, 1));
    const received: number[][] = [];
    const iterate = async () => {
      for await (const message of link) received.push([...message]);
    };
    await expect(iterate()).rejects.toMatchObject({ code: "LINK_BROKEN" });
    expect(received).toEqual([[42]]);
  });

  test("a reset is LINK_BROKEN, with its cause", async () => {
    const { socket, link } = await withSocket();
    socket.resetAndDestroy();
    expect(await faultOf(link)).toMatchObject({
      code: "LINK_BROKEN",
      cause: { code: "ECONNRESET" },
    });
  });

  test("a peer that never reads does not keep a close from ending", async () => {
    const { socket, link } = await withSocket({ lingerMs: 20 });
    socket.pause();
    while (link.send(new Uint8Array(2 ** 20)) === "queued");
    await link.close();
    expect(await link.closed).toBeUndefined();
  });

  test("closing with unread messages does not reset what was sent before it", async () => {
    const accepted = Promise.withResolvers<Link>();
    const { address } = await transport().listen(LOCAL, accepted.resolve);
    const near = await transport({ inboxBytesMax: 1, lingerMs: 5_000 }).connect(address);
    const far = await accepted.promise;
    // The first message fills the inbox, and the others wait unread in the kernel.
    for (let i = 0; i < 50; i++) far.send(new Uint8Array(10_000));
    await far.drained();
    await new Promise((resolve) => setTimeout(resolve, 20));
    near.send(Uint8Array.of(42));
    const closing = near.close();
    const received: number[] = [];
    for await (const message of far) received.push(...message);
    await closing;
    expect(received).toEqual([42]);
    expect([await near.closed, await far.closed]).toEqual([undefined, undefined]);
  });

  test("a listener holds linksMax links; further ones are closed and counted", async () => {
    const node = transport({ linksMax: 1 });
    const { address } = await node.listen(LOCAL, () => {});
    const client = transport();
    await client.connect(address);
    const refused = await client.connect(address);
    await refused.closed;
    expect(node.stats()).toMatchObject({ links: 1, linksRefused: 1 });
  });

  test("counts what it sends, refuses and receives", async () => {
    const { node, socket, link } = await withSocket({ queueBytesMax: 1_000 });
    socket.write(Uint8Array.of(0, 0, 0, 0));
    await link[Symbol.asyncIterator]().next();
    link.send(new Uint8Array(10));
    link.send(new Uint8Array(1_000));
    expect(node.stats()).toMatchObject({
      messagesSent: 1,
      messagesRefused: 1,
      messagesReceived: 1,
      links: 1,
    });
  });

  test("close ends listeners and links, and leaves no handle behind", async () => {
    const node = transport();
    const { address } = await node.listen(LOCAL, () => {});
    const link = await node.connect(address);
    await node[Symbol.asyncDispose]();
    await link.closed;
    expect(node.stats().links).toBe(0);
    await expect(node.connect(address)).rejects.toMatchObject({ code: "CONNECT_FAILED" });
  });

  test("knows IPv6 addresses, and refuses what is no address", async (context) => {
    const node = transport();
    for (const address of ["127.0.0.1", ":80", "host:70000", "::1:80", "a b:1", "[::1]"]) {
      await expect(node.connect(address)).rejects.toThrow(/address must be "host:port"/);
    }
    const listening = await node.listen("[::1]:0", () => {}).catch(() => undefined);
    if (listening === undefined) return context.skip("this machine has no IPv6 loopback");
    expect(listening.address).toMatch(/^\[::1\]:\d+$/);
    await node.connect(listening.address);
  });

  test.each<[string, number]>([
    ["messageBytesMax", 0],
    ["queueBytesMax", 2 ** 31],
    ["inboxBytesMax", Number.NaN],
    ["linksMax", 1.5],
    ["lingerMs", -1],
  ])("refuses %s of %s", (name, value) => {
    expect(() => new NodeTransport({ [name]: value })).toThrow(
      new RegExp(`${name} must be an integer in \\[\\d+, \\d+\\], got ${value}`),
    );
  });
});
