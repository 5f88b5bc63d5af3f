// When links are opened, which one stays, and when one is given up.
import assert from "node:assert/strict";
import type { Trap } from "../traps.ts";
import { append, beat, type Member, NetWorld } from "../world.ts";

async function talk(world: NetWorld, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 20) {
    world.member(1).send(beat(1, 2));
    world.member(2).send(beat(2, 1));
    await world.pass(20);
  }
}

async function expectTalk(world: NetWorld): Promise<void> {
  const [one, two] = [world.member(1), world.member(2)];
  const before = [one.received.length, two.received.length];
  await talk(world, 20);
  assert.deepEqual(
    [one.received.length, two.received.length],
    before.map((count) => count + 1),
  );
}

const isQuiet = ({ transport, clock }: Member): boolean => {
  return transport.open.size === 0 && clock.timers.size === 0;
};

export const linkTraps: readonly Trap[] = [
  {
    name: "of two links that arise at once both sides keep one, the same",
    run: async (subject) => {
      for (let seed = 1; seed <= 8; seed++) {
        const world = new NetWorld(subject, 2, {}, seed);
        // From one that arrives long before the other is begun, to the other way round.
        world.simulation.network.path("n1", "n2").slowDown(seed);
        await world.pass(1);
        await talk(world, 300);
        assert.equal(world.member(1).transport.open.size, 1);
        assert.equal(world.member(2).transport.open.size, 1);
        await expectTalk(world);
        const opened = world.member(1).links.stats().linksOpened;
        await talk(world, 1_000);
        const [one, two] = [world.member(1).links.stats(), world.member(2).links.stats()];
        assert.equal(one.linksOpened, opened);
        assert.deepEqual([one.messagesDropped, two.messagesDropped], [0, 0]);
        // Not one of those that were handed to the link that was given up is missing.
        assert.equal(one.messagesReceived, two.messagesSent);
        assert.equal(two.messagesReceived, one.messagesSent);
      }
    },
  },
  {
    name: "a link on which one side speaks and the other has nothing to say stays",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const one = world.member(1);
      for (let round = 0; round < 30; round++) {
        one.send(beat(1, 2));
        await world.pass(250);
      }
      assert.equal(one.links.stats().linksOpened, 1);
      assert.deepEqual(one.unreachables, []);
    },
  },
  {
    name: "where nothing is outstanding, there is no timer",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      world.member(1).send(beat(1, 2));
      await world.pass(500);
      assert.equal(world.member(1).links.stats().linksOpen, 1);
      assert.equal(world.member(1).clock.timers.size + world.member(2).clock.timers.size, 0);
    },
  },
  {
    name: "a member that vanished without a word is found out by its silence",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const one = world.member(1);
      await talk(world, 100);
      world.simulation.crash("n2", "power", 60_000_000);
      one.send(beat(1, 2));
      await world.pass(650);
      assert.equal(one.links.stats().linksOpen, 0);
      assert.deepEqual(one.unreachables, [2]);
    },
  },
  {
    name: "a process that stood still does not take its own silence for that of others",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const one = world.member(1);
      await talk(world, 100);
      await world.pass(500);
      one.send(beat(1, 2));
      world.simulation.node("n1").pause();
      await world.pass(3_000);
      world.simulation.node("n1").resume();
      await world.pass(500);
      assert.deepEqual([one.links.stats().linksOpened, one.links.stats().linksOpen], [1, 1]);
    },
  },
  {
    name: "a member that is down is asked again and again, at growing intervals up to a limit",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const one = world.member(1);
      world.simulation.crash("n2", "kill", 5_000_000);
      await world.pass(1);
      one.transport.connects = 0;
      for (let ms = 0; ms < 4_000; ms += 2) {
        one.send(beat(1, 2));
        await world.pass(2);
      }
      const { connects } = one.transport;
      assert.ok(connects >= 4_000 / 110 - 1 && connects <= 4_000 / 50 + 8, `${connects} attempts`);
      await world.pass(1_200);
      for (let ms = 0; ms < 150; ms += 10) {
        one.send(beat(1, 2));
        await world.pass(10);
      }
      assert.ok(world.member(2).received.length > 0);
      // Whoever was heard since is asked as often as at first.
      world.simulation.crash("n2", "kill", 5_000_000);
      await world.pass(5);
      one.transport.connects = 0;
      for (let ms = 0; ms < 80; ms += 2) {
        one.send(beat(1, 2));
        await world.pass(2);
      }
      assert.ok(one.transport.connects >= 3);
    },
  },
  {
    name: "after a partition, messages flow again within a bounded time",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      await talk(world, 100);
      world.cut(1, 2);
      await talk(world, 6_000);
      world.mend(1, 2);
      await talk(world, 800);
      await expectTalk(world);
    },
  },
  {
    name: "a member that has moved is dialed where it is now, and one that has left is let go",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 3);
      const one = world.member(1);
      one.links.setPeers(new Map([[2, "n3:peers"]]));
      one.send(beat(1, 2));
      await world.pass(20);
      assert.deepEqual(one.refusals, [[2, "this is member 3, not 2"]]);
      one.links.setPeers(new Map([[2, "n2:peers"]]));
      one.send(beat(1, 2, 5));
      await world.pass(20);
      assert.equal(world.member(2).received.length, 1);
      one.links.setPeers(new Map());
      await world.pass(20);
      assert.deepEqual([one.links.stats().linksOpen, one.transport.open.size], [0, 0]);
      one.send(beat(1, 2));
      await world.pass(20);
      assert.deepEqual(one.unreachables.slice(-1), [2]);
      assert.equal(world.member(2).received.length, 1);
      // And if it was the other one that has dialed.
      world.member(2).send(beat(2, 1));
      await world.pass(20);
      assert.equal(one.links.stats().linksOpen, 1);
      one.links.setPeers(new Map([[3, "n3:peers"]]));
      await world.pass(20);
      assert.deepEqual([one.links.stats().linksOpen, one.transport.open.size], [0, 0]);
    },
  },
  {
    name: "close sends what is queued, and leaves no link, no timer and no listener",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 3);
      const one = world.member(1);
      one.send(beat(1, 2));
      await world.pass(20);
      for (let index = 1; index <= 40; index++) one.send(append(1, 2, index, 2 ** 16));
      one.send(beat(1, 3));
      let isClosed = false;
      void one.links.close().then(() => {
        isClosed = true;
      });
      await world.pass(1_500);
      assert.ok(isClosed && isQuiet(one));
      assert.equal(world.member(2).received.length, 41);
      const two = world.member(2);
      two.send(beat(2, 1));
      await world.pass(500);
      assert.deepEqual(two.unreachables.slice(-1), [1]);
      assert.equal(one.received.length, 0);
    },
  },
  {
    name: "close does not wait for whom nobody can reach",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 3, { closeTimeoutMs: 300 });
      const one = world.member(1);
      one.send(beat(1, 2));
      await world.pass(20);
      world.cut(1, 2);
      world.cut(1, 3);
      one.send(append(1, 2, 1), beat(1, 3));
      await world.pass(5);
      let isClosed = false;
      void one.links.close().then(() => {
        isClosed = true;
      });
      await world.pass(400);
      assert.ok(isClosed && isQuiet(one));
    },
  },
];
