// A snapshot arrives whole and once, or its sender is told that it has not.
import assert from "node:assert/strict";
import type { Trap } from "../traps.ts";
import { beat, expectSame, type Member, NetWorld, snapshot } from "../world.ts";

const MIB = 2 ** 20;
const CHUNKS = { chunkBytes: 2 ** 16, windowBytes: 2 ** 17 };
const CHUNK = 7;
const DELIVERED = 8;
const REFUSAL = 2;

const indexes = ({ received }: Member): unknown[] => received.map((each) => each.snapshot?.index);

function chunkBytesSent({ transport }: Member): number {
  const chunks = transport.frames.filter((frame) => frame[0] === CHUNK);
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

export const snapshotTraps: readonly Trap[] = [
  {
    name: "a snapshot arrives whole, of any length, and then its sender is told",
    run: async (subject) => {
      for (const bytes of [0, 1, 2 ** 16, 2 ** 16 + 1, MIB + 5]) {
        const world = await NetWorld.of(subject, 2, CHUNKS);
        const [one, two] = [world.member(1), world.member(2)];
        const sent = snapshot(1, 2, 7, bytes);
        one.send(sent);
        await world.pass(200);
        expectSame(two.received, [sent]);
        assert.deepEqual(one.settled, [[2, true]]);
        assert.deepEqual([one.links.stats().snapshotsSent, one.transport.open.size], [1, 0]);
        await world.pass(1_000);
        assert.equal(one.clock.timers.size + two.clock.timers.size, 0);
      }
    },
  },
  {
    name: "heartbeats do not stand behind a snapshot",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, CHUNKS);
      const [one, two] = [world.member(1), world.member(2)];
      one.send(snapshot(1, 2, 7, 4 * MIB), beat(1, 2, 1));
      await world.pass(20);
      one.send(beat(1, 2, 2));
      await world.pass(3);
      assert.deepEqual(
        two.received.map(({ commit }) => commit),
        [1, 2],
      );
      await world.pass(300);
      assert.deepEqual(one.settled, [[2, true]]);
    },
  },
  {
    name: "when the link breaks, what has arrived is not sent again",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, CHUNKS);
      const [one, two] = [world.member(1), world.member(2)];
      one.transport.tap = (frame, count) => (count % 8 === 0 ? "break" : frame);
      const sent = snapshot(1, 2, 7, 2 * MIB);
      one.send(sent);
      await world.pass(3_000);
      expectSame(two.received, [sent]);
      assert.deepEqual(one.settled, [[2, true]]);
      const bytes = chunkBytesSent(one);
      assert.ok(bytes < 4 * MIB, `${bytes} bytes sent`);
      assert.ok(one.transport.connects > 5);
    },
  },
  {
    name: "a member that vanishes while it receives is found out, and the snapshot fails",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, CHUNKS);
      const one = world.member(1);
      one.send(snapshot(1, 2, 7, 4 * MIB));
      await world.pass(10);
      world.simulation.crash("n2", "power", 60_000_000);
      await world.pass(4_000);
      assert.deepEqual(one.settled, [[2, false]]);
      assert.deepEqual([one.clock.timers.size, one.links.stats().snapshotsFailed], [0, 1]);
    },
  },
  {
    name: "a chunk that was altered on its way is sent again, and nothing wrong is delivered",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, CHUNKS);
      const [one, two] = [world.member(1), world.member(2)];
      let altered = 0;
      one.transport.tap = (frame) => {
        if (frame[0] !== CHUNK || ++altered !== 5) return frame;
        const copy = frame.slice();
        copy[1_000] = (copy[1_000] as number) ^ 4;
        return copy;
      };
      const sent = snapshot(1, 2, 7, MIB);
      one.send(sent);
      await world.pass(1_000);
      expectSame(two.received, [sent]);
      assert.ok(chunkBytesSent(one) < 1.5 * MIB);
      assert.deepEqual(one.settled, [[2, true]]);
    },
  },
  {
    name: "a snapshot of which the acknowledgement was lost is not delivered twice",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, CHUNKS);
      const [one, two] = [world.member(1), world.member(2)];
      let lost = 0;
      two.transport.tap = (frame) => (frame[0] === DELIVERED && ++lost === 1 ? "break" : frame);
      one.send(snapshot(1, 2, 7, MIB));
      await world.pass(1_000);
      assert.deepEqual([indexes(two), one.settled, lost], [[7], [[2, true]], 2]);
      // The same one, sent anew, is another matter: the member may have had no use for the first.
      one.send(snapshot(1, 2, 7, MIB));
      await world.pass(1_000);
      assert.deepEqual(indexes(two), [7, 7]);
    },
  },
  {
    name: "one at a time to a member, and a newer one replaces one that waits",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, CHUNKS);
      const [one, two] = [world.member(1), world.member(2)];
      for (const index of [7, 8, 9]) one.send(snapshot(1, 2, index, MIB));
      await world.pass(1_000);
      assert.deepEqual(indexes(two), [7, 9]);
      assert.deepEqual(
        one.settled.map(([, delivered]) => delivered),
        [false, true, true],
      );
    },
  },
  {
    name: "one that is too large is refused, and told why; one for nobody fails",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, { ...CHUNKS, snapshotBytesMax: MIB });
      const one = world.member(1);
      one.send(snapshot(1, 2, 7, MIB + 1), snapshot(1, 9, 7, 1));
      await world.pass(2_000);
      // The leader hears of it after a while: it would send the same again at once.
      assert.deepEqual(one.settled, [[9, false]]);
      await world.pass(2_000);
      assert.deepEqual(one.settled, [
        [9, false],
        [2, false],
      ]);
      assert.equal(world.member(2).received.length, 0);
      assert.match(one.refusals[0]?.[1] ?? "", /at most 1048576/);
    },
  },
  {
    name: "only so many are received at a time; the others come later",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 4, { ...CHUNKS, partialSnapshotsMax: 1 });
      for (const id of [1, 2, 3]) world.member(id).send(snapshot(id, 4, id, MIB));
      await world.pass(3);
      await world.pass(2_000);
      assert.deepEqual([...indexes(world.member(4))].sort(), [1, 2, 3]);
      const refused = world.member(4).transport.frames.filter((frame) => frame[0] === REFUSAL);
      assert.ok(refused.length > 0);
    },
  },
  {
    name: "a part that nobody goes on with is forgotten after a while",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, { ...CHUNKS, partialSnapshotKeepMs: 1_000 });
      const [one, two] = [world.member(1), world.member(2)];
      one.transport.tap = (frame) => (chunkBytesSent(one) > MIB ? "break" : frame);
      one.send(snapshot(1, 2, 7, 2 * MIB));
      await world.pass(900);
      assert.deepEqual(one.settled, [[2, false]]);
      assert.equal(two.clock.timers.size, 1);
      await world.pass(1_500);
      assert.equal(two.clock.timers.size, 0);
      one.transport.tap = (frame) => frame;
      one.transport.frames = [];
      one.send(snapshot(1, 2, 7, 2 * MIB));
      await world.pass(900);
      assert.ok(chunkBytesSent(one) > 2 * MIB);
    },
  },
  {
    name: "close gives up what is under way, and leaves nothing behind",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2, CHUNKS);
      const [one, two] = [world.member(1), world.member(2)];
      one.send(snapshot(1, 2, 7, 4 * MIB));
      await world.pass(10);
      let closed = 0;
      for (const { links } of [one, two]) void links.close().then(() => closed++);
      await world.pass(1_200);
      const left = [one, two].map(
        ({ clock, transport }) => clock.timers.size + transport.open.size,
      );
      assert.deepEqual([closed, ...left], [2, 0, 0]);
    },
  },
];
