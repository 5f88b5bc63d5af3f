// Sentences about what travels over a link. None depends on how long something takes.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import * as http2 from "node:http2";
import type { Link } from "@compendium/runtime";
import { all, codeOf, faultOf, LINK_PATH, numbered, numberOf, type Trap } from "./world.ts";

export const streamTraps: readonly Trap[] = [
  {
    name: "thousands of messages arrive in order, and share frames",
    run: async (world) => {
      const { a, near, far } = await world.linked();
      const count = 10_000;
      for (let at = 0; at < count; at++) equal(near.send(numbered(at)), "queued");
      let expected = 0;
      for await (const message of far) {
        equal(numberOf(message), expected++);
        if (expected === count) break;
      }
      const { framesSent, messagesSent } = a.stats();
      equal(messagesSent, count);
      ok(framesSent <= count / 500, `${framesSent} frames`);
    },
  },
  {
    name: "messages sent while a frame is on its way follow it in order, whatever their size",
    run: async (world) => {
      const { near, far } = await world.linked({ near: { queueBytesMax: 300_000 } });
      const count = 2_000;
      const sending = (async () => {
        for (let at = 0; at < count; ) {
          const size = at % 97 === 0 ? 100_000 : 4 + (at % 300);
          const sent = near.send(numbered(at, size));
          // A link that is gone has room for ever, and takes nothing.
          ok(sent !== "closed");
          if (sent === "queued") at++;
          else await near.drained();
          if (at % 10 === 0) await null;
        }
      })();
      let expected = 0;
      for await (const message of far) {
        equal(message.length, expected % 97 === 0 ? 100_000 : 4 + (expected % 300));
        equal(numberOf(message), expected++);
        if (expected === count) break;
      }
      await sending;
    },
  },
  {
    name: "a message is a Uint8Array of its own length, not a Buffer",
    run: async (world) => {
      const { near, far } = await world.linked();
      near.send(Buffer.from("one"));
      near.close();
      const [message] = await all(far);
      equal(message?.constructor, Uint8Array);
      deepEqual(message, new TextEncoder().encode("one"));
    },
  },
  {
    name: "a receiver that does not iterate holds a bounded number of bytes",
    run: async (world) => {
      const inboxBytesMax = 50_000;
      const { b, near, far } = await world.linked({
        near: { queueBytesMax: 100_000 },
        far: { inboxBytesMax },
      });
      const size = 10_000;
      // Seen to be full again and again while turns pass: the receiver does not take more.
      let queued = 0;
      for (let turns = 0; turns < 200; turns++) {
        if (near.send(new Uint8Array(size)) === "queued") [queued, turns] = [queued + 1, 0];
        await new Promise((resolve) => setImmediate(resolve));
        ok(queued * size < 2 ** 26, "nothing holds the sender back");
      }
      const held = b.stats().messagesReceived * size;
      ok(held <= inboxBytesMax + 65_536, `${held} bytes are held`);
      near.close();
      equal((await all(far)).length, queued);
    },
  },
  {
    name: "the queue counts what waits, and has room again when it has left",
    run: async (world) => {
      const { a, near, far } = await world.linked({ near: { queueBytesMax: 10_000 } });
      equal(near.send(new Uint8Array(9_000)), "queued");
      equal(near.send(new Uint8Array(1_000)), "full");
      equal(a.stats().messagesRefused, 1);
      const arriving = all(far);
      await near.drained();
      equal(near.send(new Uint8Array(9_000)), "queued");
      await near.close();
      deepEqual(
        (await arriving).map(({ length }) => length),
        [9_000, 9_000],
      );
    },
  },
  {
    name: "an empty message is not free: their number is bounded",
    run: async (world) => {
      const { near } = await world.linked({ near: { queueBytesMax: 10_000 } });
      ok(fill(near, 0) < 1_000);
    },
  },
  {
    name: "closing sends what is queued, megabytes of it",
    run: async (world) => {
      for (const who of ["near", "far"] as const) {
        const { near, far } = await world.linked({
          near: { lingerMs: 60_000 },
          far: { lingerMs: 60_000 },
        });
        const [from, to] = who === "near" ? [near, far] : [far, near];
        for (let at = 0; at < 300; at++) equal(from.send(numbered(at, 20_000)), "queued");
        const closing = from.close();
        deepEqual(
          (await all(to)).map(numberOf),
          Array.from({ length: 300 }, (_, at) => at),
        );
        // Without waiting for anybody's patience to end.
        await closing;
        deepEqual([await near.closed, await far.closed], [undefined, undefined]);
      }
    },
  },
  {
    name: "closing reads on past a full inbox, or the peer's last word would not be heard",
    run: async (world) => {
      const { a, near, far } = await world.linked({
        near: { inboxBytesMax: 1, lingerMs: 60_000 },
        far: { inboxBytesMax: 1, lingerMs: 60_000 },
      });
      for (let at = 0; at < 50; at++) far.send(new Uint8Array(30_000));
      for (let turns = 0; a.stats().messagesReceived === 0; turns++) {
        ok(turns < 10_000, "the inbox fills");
        await new Promise((next) => setImmediate(next));
      }
      near.send(Uint8Array.of(42));
      const closing = near.close();
      deepEqual(await all(far), [Uint8Array.of(42)]);
      await closing;
    },
  },
  {
    name: "a peer that never reads does not keep a close from ending",
    run: async (world) => {
      const { near, far } = await world.linked({
        near: { lingerMs: 20 },
        far: { inboxBytesMax: 1, lingerMs: 20 },
      });
      fill(near, 2 ** 20);
      await near.close();
      equal(await near.closed, undefined);
      await far.close();
    },
  },
  {
    name: "a link that is destroyed is gone at once, for its peer too",
    run: async (world) => {
      for (const who of ["near", "far"] as const) {
        const patient = { lingerMs: 60_000 };
        const { near, far } = await world.linked({ near: patient, far: patient });
        const [from, to] = who === "near" ? [near, far] : [far, near];
        from.destroy();
        equal(from.send(Uint8Array.of(1)), "closed");
        equal(await from.closed, undefined);
        const fault = await to.closed;
        // A connection that is cut is a fault; a call that is cancelled looks like a close.
        equal(codeOf(fault), who === "far" ? "LINK_BROKEN" : undefined);
      }
    },
  },
  {
    name: "a message above the receiver's limit breaks the link, on either end, as FRAME_TOO_LARGE",
    run: async (world) => {
      const small = { messageBytesMax: 1_000 };
      for (const size of [1_001, 100_000]) {
        const first = await world.linked({ far: small });
        first.near.send(new Uint8Array(size));
        equal(codeOf(await faultOf(first.far)), "FRAME_TOO_LARGE");
        equal(codeOf(await first.far.closed), "FRAME_TOO_LARGE");
        equal(codeOf(await first.near.closed), "LINK_BROKEN");
        equal(first.b.stats().framesRefused, 1);
        equal(first.b.stats().messagesReceived, 0);

        const second = await world.linked({ near: small });
        second.far.send(new Uint8Array(size));
        equal(codeOf(await faultOf(second.near)), "FRAME_TOO_LARGE");
        equal(codeOf(await second.near.closed), "FRAME_TOO_LARGE");
        await second.far.closed;
        equal(second.a.stats().framesRefused, 1);
      }
    },
  },
  {
    name: "the largest message is accepted, exactly",
    run: async (world) => {
      for (const messageBytesMax of [1, 127, 128, 16_383, 16_384, 65_536]) {
        const limits = { messageBytesMax, inboxBytesMax: 2 ** 20 };
        const { near, far } = await world.linked({ near: limits, far: limits });
        for (let at = 0; at < 5; at++) near.send(new Uint8Array(messageBytesMax));
        near.close();
        deepEqual(
          (await all(far)).map(({ length }) => length),
          new Array(5).fill(messageBytesMax),
        );
      }
    },
  },
  {
    name: "a message above the limit that grpc-js has by itself is accepted, on either end",
    run: async (world) => {
      const limits = { messageBytesMax: 5 * 2 ** 20 };
      const { near, far } = await world.linked({ near: limits, far: limits });
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.send(new Uint8Array(limits.messageBytesMax));
        const { value } = await to[Symbol.asyncIterator]().next();
        equal(value?.length, limits.messageBytesMax);
      }
    },
  },
  {
    name: "bytes that are no frame, or a frame of too many messages, cost the link, not the listener",
    run: async (world) => {
      const { address, b } = await world.linked();
      const cases = [
        [Buffer.of(0x0a, 5, 1), /INVALID_ARGUMENT.*no frame/],
        [Buffer.of(0x0b), /INVALID_ARGUMENT.*no frame/],
        [Buffer.of(0x00), /INVALID_ARGUMENT.*no frame/],
        [Buffer.of(0x10, ...new Array(10).fill(255)), /INVALID_ARGUMENT.*no frame/],
        [Buffer.alloc(2 * 1_025, Buffer.of(0x0a, 0)), /more than 1024 messages/],
      ] as const;
      for (const [bytes, answer] of cases) {
        const { call } = world.rawCall(address);
        call.write(bytes);
        const [error] = (await once(call, "error")) as [Error];
        match(String(error), answer);
      }
      equal(b.stats().framesRefused, cases.length);
    },
  },
  {
    name: "fields of a later version are skipped",
    run: async (world) => {
      const transport = world.transport();
      const { address, accepted } = await world.listening(transport);
      const { call } = world.rawCall(address);
      const negative = [0x10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
      const fixed = [0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4];
      const text = [0x2a, 2, 0x0a, 0];
      call.write(Buffer.of(...negative, 0x0a, 1, 7, ...fixed, ...text, 0x0a, 1, 8));
      call.end();
      deepEqual(await all(await accepted), [Uint8Array.of(7), Uint8Array.of(8)]);
    },
  },
  {
    name: "thousands of empty frames behind a full inbox are taken without a deep stack",
    run: async (world) => {
      const transport = world.transport({ inboxBytesMax: 1 });
      const { address, accepted } = await world.listening(transport);
      const session = http2.connect(`http://${address}`);
      world.defer(() => session.destroy());
      const grpc = { "content-type": "application/grpc", te: "trailers", ":method": "POST" };
      const stream = session.request({ ...grpc, ":path": LINK_PATH });
      stream.on("error", () => {});
      const lengthPrefixed = (bytes: number[]) => [0, 0, 0, 0, bytes.length, ...bytes];
      stream.write(Buffer.from(lengthPrefixed([0x0a, 1, 7])));
      // In as few pieces as HTTP/2 makes of them: each has thousands of frames.
      stream.write(Buffer.alloc(5 * 12_000));
      stream.end(Buffer.from(lengthPrefixed([0x0a, 1, 8])));
      const link = await accepted;
      // Until all of it is there, in grpc-js or in the kernel.
      for (let turns = 0; turns < 300; turns++) await new Promise((next) => setImmediate(next));
      deepEqual(await all(link), [Uint8Array.of(7), Uint8Array.of(8)]);
    },
  },
];

/** Sends until there is no room, and says how many had some. */
function fill(link: Link, size: number): number {
  for (let queued = 0; ; queued++) {
    ok(queued * (size + 64) <= 2 ** 26, "the queue has a bound");
    if (link.send(new Uint8Array(size)) !== "queued") return queued;
  }
}
