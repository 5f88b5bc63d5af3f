// links.proto is what is spoken: the bytes of protobuf's own library are ours, and the other way
// round.
import path from "node:path";
import * as subject from "@compendium/runtime/grpc";
import fc from "fast-check";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { decodeFrame, encodeFrame, FRAME_MESSAGES_MAX, itemBytes } from "../../src/grpc/frame.ts";
import { describeService, loadService } from "./service.contract.ts";
import { all, plain, World } from "./world.ts";

const links = {
  proto: path.join(import.meta.dirname, "../../src/grpc/links.proto"),
  service: "compendium.runtime.v1.Links",
};
const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
let world: World;

beforeEach(() => {
  world = new World(subject);
  onTestFinished(() => world[Symbol.asyncDispose]());
});

describe("links.proto", () => {
  describeService({ ...subject, ...links });
});

function encode(list: readonly Uint8Array[]): Buffer {
  return encodeFrame(
    list,
    list.reduce((sum, message) => sum + itemBytes(message), 0),
  );
}

test("a frame has the bytes that protobuf gives it, and protobuf reads them", () => {
  // proto-loader gives codecs only with a method.
  const { requestSerialize, responseDeserialize } = loadService(links).service.Link;
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

test("all of a queue is taken within the frame's limits", async () => {
  const { a, near, far } = await world.linked();
  for (let at = 0; at < 3 * FRAME_MESSAGES_MAX; at++) near.send(new Uint8Array(0));
  near.close();
  expect(await all(far)).toHaveLength(3 * FRAME_MESSAGES_MAX);
  expect(a.stats().framesSent).toBe(3);
});

test("a service is named as protobuf names it", () => {
  for (const service of ["", "a/b", "1.v1.Links", "acme..Links", "acme.Links.", "ä"]) {
    expect(() => new subject.GrpcTransport({ service })).toThrow(/service must be a name/);
  }
});
