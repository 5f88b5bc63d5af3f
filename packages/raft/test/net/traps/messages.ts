// What is sent, in which order, and what becomes of what cannot be.
import assert from "node:assert/strict";
import { type Message, message } from "@compendium/raft";
import type { Trap } from "../traps.ts";
import { append, beat, expectSame, NetWorld } from "../world.ts";

const commits = (messages: readonly Message[]): number[] => messages.map(({ commit }) => commit);

export const messageTraps: readonly Trap[] = [
  {
    name: "messages arrive as they were sent, both ways, each once",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const [one, two] = [world.member(1), world.member(2)];
      const read = { ...message("read-index", 2, 1, 3), context: Uint8Array.of(1, 2) };
      one.send(append(1, 2, 5), read);
      await world.pass(20);
      expectSame(two.received, [read, append(1, 2, 5)]);
      two.send({ ...message("append-response", 1, 2, 3), index: 5 });
      await world.pass(20);
      assert.equal(one.received.length, 1);
      assert.deepEqual(
        [one.links.stats().messagesSent, one.links.stats().messagesReceived],
        [2, 1],
      );
      assert.equal(one.links.stats().linksOpened, 1);
    },
  },
  {
    name: "what a turn sends to a member leaves as one frame",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const one = world.member(1);
      one.send(beat(1, 2));
      await world.pass(20);
      one.transport.frames = [];
      for (let index = 1; index <= 20; index++) one.send(append(1, 2, index), beat(1, 2, index));
      await world.pass(20);
      assert.equal(one.transport.frames.length, 1);
      assert.equal(world.member(2).received.length, 41);
    },
  },
  {
    name: "a heartbeat stands behind a window of entries, and no more",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, { windowBytes: 2 ** 18 });
      const [one, two] = [world.member(1), world.member(2)];
      for (let index = 1; index <= 64; index++) one.send(append(1, 2, index, 2 ** 16));
      await world.pass(0.6);
      for (let ms = 0; ms < 20 && two.received.length === 0; ms++) await world.pass(0.1);
      one.send(beat(1, 2));
      await world.pass(200);
      assert.equal(two.received.length, 65);
      const place = two.received.findIndex(({ type }) => type === "heartbeat");
      assert.ok(place <= 12, `it came after ${place} appends`);
      const order = two.received.filter(({ type }) => type === "append");
      assert.deepEqual(
        order.map(({ index }) => index),
        order.map((_, at) => at),
      );
    },
  },
  {
    name: "no more than a window, and an append, is handed to a link that takes everything",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, { windowBytes: 2 ** 18 });
      const one = world.member(1);
      one.send(beat(1, 2));
      await world.pass(20);
      world.cut(2, 1);
      one.transport.frames = [];
      for (let index = 1; index <= 64; index++) one.send(append(1, 2, index, 2 ** 16));
      await world.pass(100);
      const bytes = one.transport.frames.reduce((sum, { length }) => sum + length, 0);
      assert.ok(bytes < 2 ** 18 + 2 ** 17, `${bytes} bytes`);
      // Urgent ones have a window of their own, which ends as well.
      for (let round = 1; round < 4_000; round++) {
        one.send({ ...message("read-index", 2, 1, 1), context: new Uint8Array(1_000) });
      }
      await world.pass(100);
      const all = one.transport.frames.reduce((sum, { length }) => sum + length, 0);
      assert.ok(all > bytes && all < 2 ** 19 + 2 ** 17, `${all} bytes`);
    },
  },
  {
    name: "an append without entries does not overtake those that have some",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, { windowBytes: 2 ** 17 });
      const one = world.member(1);
      for (let index = 1; index <= 16; index++) one.send(append(1, 2, index, 2 ** 16));
      one.send({ ...message("append", 2, 1, 1), index: 16, logTerm: 1 });
      await world.pass(200);
      const { received } = world.member(2);
      assert.deepEqual(
        received.map(({ index }) => index),
        Array.from({ length: 17 }, (_, at) => at),
      );
    },
  },
  {
    name: "queues are bounded: what finds no room is dropped, counted, and told of once",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, { waitingMax: 100, bulkBytesMax: 1_000_000 });
      const one = world.member(1);
      for (let commit = 0; commit < 150; commit++) one.send(beat(1, 2, commit));
      for (let index = 1; index <= 12; index++) one.send(append(1, 2, index, 100_000));
      assert.equal(one.links.stats().messagesDropped, 50 + 3);
      await world.pass(50);
      assert.deepEqual(one.unreachables, [2]);
      const { received } = world.member(2);
      assert.deepEqual(
        commits(received.slice(0, 100)),
        Array.from({ length: 100 }, (_, at) => at),
      );
      assert.equal(received.length, 109);
    },
  },
  {
    name: "a message that no frame can hold is dropped, and told of",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, { messageBytesMax: 10_000 });
      const one = world.member(1);
      one.send(append(1, 2, 1, 10_000), append(1, 2, 2, 9_000));
      await world.pass(50);
      expectSame(world.member(2).received, [append(1, 2, 2, 9_000)]);
      assert.deepEqual(one.unreachables, [2]);
    },
  },
  {
    name: "who has no address is unreachable, and it is said on another turn",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const one = world.member(1);
      one.send(beat(1, 9), beat(1, 9));
      await world.pass(5);
      assert.deepEqual(one.unreachables, [9]);
      assert.equal(one.links.stats().messagesDropped, 2);
    },
  },
  {
    name: "what waited for a link that could not be opened is dropped, not sent later",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const one = world.member(1);
      world.cut(1, 2);
      one.send(beat(1, 2, 1));
      await world.pass(250);
      assert.deepEqual(one.unreachables, [2]);
      world.mend(1, 2);
      await world.pass(500);
      one.send(beat(1, 2, 2));
      await world.pass(250);
      assert.deepEqual(commits(world.member(2).received), [2]);
    },
  },
  {
    name: "what was on its way when a link broke is not sent again",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const [one, two] = [world.member(1), world.member(2)];
      two.onReceive = () => {
        for (const link of two.transport.open) link.destroy();
      };
      one.send(beat(1, 2, 1));
      await world.pass(50);
      two.onReceive = () => {};
      assert.deepEqual(one.unreachables, [2]);
      for (let commit = 2; commit < 6; commit++) {
        one.send(beat(1, 2, commit));
        await world.pass(50);
      }
      const all = commits(two.received);
      assert.equal(new Set(all).size, all.length);
      assert.equal(all.at(-1), 5);
    },
  },
  {
    name: "replies to whose address is not known go back over the link that they opened",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const [one, two] = [world.member(1), world.member(2)];
      two.links.setPeers(new Map());
      one.send(beat(1, 2));
      await world.pass(20);
      two.send({ ...message("heartbeat-response", 1, 2, 1), commit: 7 });
      await world.pass(20);
      assert.deepEqual(commits(one.received), [7]);
      assert.equal(two.transport.connects, 0);
    },
  },
];
