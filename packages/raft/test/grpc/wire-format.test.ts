// peers.proto is what is spoken: a client and a server made from it by protobuf's own library talk
// to GrpcTransport, and their bytes are its bytes.
import path from "node:path";
import * as subject from "@compendium/raft/grpc";
import {
  type Client,
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import fc from "fast-check";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { decodeFrame, encodeFrame, FRAME_MESSAGES_MAX, itemBytes } from "../../src/grpc/frame.ts";
import { all, LOCAL, World } from "./world.ts";

interface PeersConstructor {
  new (
    ...args: ConstructorParameters<typeof Client>
  ): Client & { Link(): ClientDuplexStream<Frame, Frame> };
  readonly service: { readonly Link: MethodDefinition<Frame, Frame> };
}

interface Frame {
  data: Uint8Array[];
}

const definition = loadSync(path.join(import.meta.dirname, "../../src/grpc/peers.proto"), {
  arrays: true,
});
const { Peers } = (
  loadPackageDefinition(definition) as unknown as {
    compendium: { raft: { v1: { Peers: PeersConstructor } } };
  }
).compendium.raft.v1;

const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
let world: World;

beforeEach(() => {
  world = new World(subject);
  onTestFinished(() => world[Symbol.asyncDispose]());
});

function encode(list: readonly Uint8Array[]): Buffer {
  return encodeFrame(
    list,
    list.reduce((sum, message) => sum + itemBytes(message), 0),
  );
}

test("a frame has the bytes that protobuf gives it, and protobuf reads them", () => {
  // proto-loader gives codecs only with a method.
  const { requestSerialize, responseDeserialize } = Peers.service.Link;
  fc.assert(
    fc.property(messages, (list) => {
      const bytes = encode(list);
      expect(bytes.equals(requestSerialize({ data: list }))).toBe(true);
      expect(plain(responseDeserialize(bytes).data)).toEqual(plain(list));
      expect(plain(decodeFrame(bytes, 300))).toEqual(plain(list));
    }),
  );
});

test("bytes at random are a frame or refused with a typed error, and never more than they are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        const list = decodeFrame(bytes, 32);
        expect(list.length).toBeLessThanOrEqual(FRAME_MESSAGES_MAX);
        const sum = list.reduce((total, message) => total + message.length, 0);
        expect(sum).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toMatchObject({ name: "RuntimeError" });
      }
    }),
  );
});

test("a client made from peers.proto speaks to a listener", async () => {
  const { address, accepted } = await world.listening(world.transport());
  const client = new Peers(address, credentials.createInsecure());
  world.defer(() => client.close());
  const call = client.Link();
  const heard: number[][] = [];
  call.on("data", ({ data }: Frame) => heard.push(...plain(data)));
  const over = new Promise<unknown>((resolve) => call.on("status", resolve));
  call.write({ data: [Uint8Array.of(1, 2), Uint8Array.of()] });
  const link = await accepted;
  link.send(Uint8Array.of(3));
  link.send(Uint8Array.of());
  expect(plain([(await link[Symbol.asyncIterator]().next()).value ?? []])).toEqual([[1, 2]]);
  await link.close();
  expect(await over).toMatchObject({ code: 0 });
  expect(heard).toEqual([[3], []]);
});

test("a link speaks to a server made from peers.proto", async () => {
  const server = new Server();
  world.defer(() => server.forceShutdown());
  server.addService(Peers.service, {
    Link: (call: ServerDuplexStream<Frame, Frame>) => {
      call.sendMetadata(call.metadata);
      call.on("data", ({ data }: Frame) => call.write({ data: [...data, Uint8Array.of(9)] }));
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve) => {
    server.bindAsync(LOCAL, ServerCredentials.createInsecure(), (_, bound) => resolve(bound));
  });
  const link = await world.transport().connect(`127.0.0.1:${port}`);
  for (const value of [1, 2]) link.send(Uint8Array.of(value));
  const heard: number[][] = [];
  for await (const message of link) {
    heard.push([...message]);
    if (heard.length === 3) break;
  }
  expect(heard).toEqual([[1], [2], [9]]);
  await link.close();
  expect(await link.closed).toBeUndefined();
});

function plain(list: readonly Iterable<number>[]): number[][] {
  return list.map((message) => [...message]);
}

test("all of a queue is taken within the frame's limits", async () => {
  const { a, near, far } = await world.linked();
  for (let at = 0; at < 3 * FRAME_MESSAGES_MAX; at++) near.send(new Uint8Array(0));
  near.close();
  expect(await all(far)).toHaveLength(3 * FRAME_MESSAGES_MAX);
  expect(a.stats().framesSent).toBe(3);
});
