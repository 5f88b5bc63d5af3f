// Whoever can reach the address can say anything. And a member may say what is true and surprising:
// that it has started anew, or has lost a link that the other side still has.
import assert from "node:assert/strict";
import type { Link } from "@compendium/runtime";
import { crc32c } from "@compendium/runtime";
import { encodeMessage } from "../../../src/net/codec.ts";
import { decodeHello, decodeRefusal, encodeHello, type Hello } from "../../../src/net/hello.ts";
import {
  encodeChunk,
  encodeOffer,
  type SnapshotMessage,
} from "../../../src/net/snapshot-frames.ts";
import type { Trap } from "../traps.ts";
import { beat, NetWorld, snapshot } from "../world.ts";

const HELLO: Hello = {
  group: "g",
  from: 3,
  to: 1,
  diskId: 300,
  purpose: "messages",
  life: 11,
  link: 12,
  gone: 0,
};

/** Dials member 1, says that, and hears what is answered; undefined when the link is closed. */
async function say(world: NetWorld, first: Uint8Array) {
  const dialed = world.stranger.connect("n1:peers");
  await world.pass(5);
  const link = await dialed;
  link.send(first);
  const frames = link[Symbol.asyncIterator]();
  let answer: Uint8Array | undefined;
  void frames.next().then(({ value }) => {
    answer = value;
  });
  await world.pass(5);
  return { link, frames, answer };
}

function framed(...messages: Parameters<typeof encodeMessage>[0][]): Uint8Array {
  const parts = messages.map((each) => encodeMessage(each).subarray(1));
  const bytes = parts.flatMap((part) => [...part]);
  return Uint8Array.of(3, 0, 1, ...bytes);
}

const refusalOf = (answer: Uint8Array | undefined): string => {
  if (answer === undefined) return "nothing";
  return answer[0] === 2 ? decodeRefusal(answer).reason : "welcome";
};

/** Has "x" answer so, at the address of member 3. */
async function answer(world: NetWorld, hello: Hello): Promise<void> {
  await world.stranger.listen("x:peers", async (link: Link) => {
    const { value } = await link[Symbol.asyncIterator]().next();
    const theirs = decodeHello(value as Uint8Array) as Hello;
    link.send(encodeHello({ ...hello, link: theirs.link }));
  });
  world.member(1).links.setPeers(new Map([[3, "x:peers"]]));
}

/** Has member 1 dial "x" as member 3, answers, and returns the name of that link. */
async function beDialed(world: NetWorld, life: number): Promise<number> {
  const one = world.member(1);
  let name = 0;
  const listener = world.stranger.listen("x:peers", async (link: Link) => {
    const { value } = await link[Symbol.asyncIterator]().next();
    const hello = decodeHello(value as Uint8Array) as Hello;
    name = hello.link;
    link.send(encodeHello({ ...HELLO, life, link: name }));
  });
  await listener;
  one.links.setPeers(new Map([[3, "x:peers"]]));
  one.send(beat(1, 3));
  await world.pass(20);
  assert.equal(one.links.stats().linksOpen, 1);
  return name;
}

export const strangerTraps: readonly Trap[] = [
  {
    name: "members of another group, another member's callers and other versions are told why not",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1);
      const cases: [Uint8Array, RegExp][] = [
        [encodeHello({ ...HELLO, group: "h" }), /this is group "g", not "h"/],
        [encodeHello({ ...HELLO, to: 2 }), /this is member 1, not 2/],
        [encodeHello({ ...HELLO, from: 1 }), /this is member 1/],
        [Uint8Array.of(1, 9, 1, 2, 3), /version 9/],
      ];
      for (const [hello, reason] of cases) {
        const { answer } = await say(world, hello);
        assert.match(refusalOf(answer), reason);
      }
      await world.pass(300);
      assert.equal(world.member(1).transport.open.size, 0);
      assert.equal(refusalOf((await say(world, encodeHello(HELLO))).answer), "welcome");
    },
  },
  {
    name: "whom the node does not admit is told why, and the other side hears it",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const [one, two] = [world.member(1), world.member(2)];
      two.admission = ({ id, diskId }) => (diskId === 100 ? `no ${id}` : undefined);
      one.send(beat(1, 2));
      await world.pass(20);
      assert.deepEqual([one.refusals, one.unreachables], [[[2, "no 1"]], [2]]);
      assert.equal(two.received.length, 0);
    },
  },
  {
    name: "who dials asks as well whom it has reached",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 2);
      const [one, two] = [world.member(1), world.member(2)];
      one.admission = () => "another disk";
      one.send(beat(1, 2));
      await world.pass(20);
      assert.deepEqual(one.refusals, [[2, "another disk"]]);
      assert.deepEqual(two.refusals, [[1, "another disk"]]);
      assert.equal(two.received.length, 0);
    },
  },
  {
    name: "a link ends at the first frame that is none, and nothing of it is delivered",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1);
      const one = world.member(1);
      const good = framed(beat(3, 1, 7));
      const bad: Uint8Array[] = [
        Uint8Array.of(),
        Uint8Array.of(99),
        Uint8Array.of(3),
        good.slice(0, -1),
        framed(beat(3, 1), beat(3, 2)), // to another
        framed(beat(3, 1), beat(2, 1)), // in the name of another
        framed({ ...beat(3, 1), type: "snapshot", snapshot: SNAPSHOT }),
        Uint8Array.of(3, 1, 1), // has received what was never sent
        Uint8Array.of(4, 5),
        Uint8Array.of(4, 0, 0), // something behind an acknowledgement
      ];
      for (const [at, frame] of bad.entries()) {
        const { link } = await say(world, encodeHello({ ...HELLO, link: 100 + at }));
        link.send(frame);
        await world.pass(20);
        assert.equal(one.links.stats().linksOpen, 0, `bad frame ${at}`);
        assert.equal(one.received.length, 0, `bad frame ${at}`);
      }
      const { link } = await say(world, encodeHello(HELLO));
      link.send(good);
      await world.pass(20);
      assert.deepEqual(one.received, [beat(3, 1, 7)]);
    },
  },
  {
    name: "a follower may pass on what another has asked of the leader",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1);
      const { link } = await say(world, encodeHello(HELLO));
      link.send(framed({ ...beat(2, 1), type: "read-index" }));
      await world.pass(20);
      assert.equal(world.member(1).received.length, 1);
    },
  },
  {
    name: "who does not say who it is, is let go; and there are only so many of them",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1, { strangersMax: 3 });
      const one = world.member(1);
      for (let at = 0; at < 10; at++) void world.stranger.connect("n1:peers");
      await world.pass(20);
      assert.equal(one.transport.open.size, 3);
      await world.pass(300);
      assert.equal(one.transport.open.size, 0);
      await say(world, Uint8Array.of(1));
      assert.equal(one.transport.open.size, 0);
      assert.equal(refusalOf((await say(world, encodeHello(HELLO))).answer), "welcome");
      await world.pass(500);
      assert.equal(one.clock.timers.size, 0);
    },
  },
  {
    name: "there are only so many members, and one that has gone makes room",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1, { peersMax: 1 });
      world.member(1).links.setPeers(new Map());
      const { link, answer } = await say(world, encodeHello(HELLO));
      assert.equal(refusalOf(answer), "welcome");
      const other = encodeHello({ ...HELLO, from: 4 });
      assert.match(refusalOf((await say(world, other)).answer), /too many/);
      link.destroy();
      await world.pass(20);
      assert.equal(refusalOf((await say(world, other)).answer), "welcome");
    },
  },
  {
    name: "a member that has a link already is refused another, unless it has lost the one",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1);
      const name = await beDialed(world, 11);
      const crossed = await say(world, encodeHello({ ...HELLO, link: 77 }));
      assert.match(refusalOf(crossed.answer), /a link already/);
      const lost = await say(world, encodeHello({ ...HELLO, link: 78, gone: name }));
      assert.equal(refusalOf(lost.answer), "welcome");
      assert.equal(world.member(1).links.stats().linksOpen, 1);
      await world.pass(20);
      assert.equal(world.member(1).transport.open.size, 1);
    },
  },
  {
    name: "of two attempts that have crossed, that of the lower id goes on, and decides",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1);
      const one = world.member(1);
      const asked = Promise.withResolvers<Link>();
      await world.stranger.listen("x:peers", asked.resolve);
      one.links.setPeers(new Map([[3, "x:peers"]]));
      one.send(beat(1, 3, 7));
      await world.pass(20);
      const theirs = await asked.promise;
      const frames = theirs[Symbol.asyncIterator]();
      const { value } = await frames.next();
      const crossing = await say(world, encodeHello({ ...HELLO, link: 50 }));
      assert.equal(refusalOf(crossing.answer), "welcome");
      const { link: name } = decodeHello(value as Uint8Array) as Hello;
      theirs.send(encodeHello({ ...HELLO, link: name }));
      let sent: Uint8Array | undefined;
      void frames.next().then((next) => {
        sent = next.value;
      });
      await world.pass(20);
      assert.deepEqual(sent, framed(beat(1, 3, 7)));
      assert.deepEqual([one.transport.open.size, one.links.stats().linksOpen], [1, 1]);
    },
  },
  {
    name: "who answers at a member's address must be that member",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1);
      await answer(world, { ...HELLO, from: 4 });
      world.member(1).send(beat(1, 3));
      await world.pass(20);
      assert.deepEqual(world.member(1).refusals, [[3, "member 4 is at its address"]]);
    },
  },
  {
    name: "a snapshot to whom it is offered in vain fails",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1);
      await answer(world, { ...HELLO, purpose: "snapshot" });
      world.member(1).send(snapshot(1, 3, 7, 100));
      await world.pass(4_000);
      assert.deepEqual(world.member(1).settled, [[3, false]]);
    },
  },
  {
    name: "a snapshot has the length that was said",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1);
      const { link } = await say(world, encodeHello({ ...HELLO, purpose: "snapshot" }));
      const bytes = new Uint8Array(100).fill(3);
      const crc = crc32c(bytes, 0, 100, 0);
      const bare = snapshot(3, 1, 7, 0) as SnapshotMessage;
      const offer = { transfer: 1, total: 10, crc, chunkBytes: 2_048, message: bare };
      link.send(encodeOffer(offer));
      link.send(encodeChunk(bytes, 0, 100, crc));
      await world.pass(20);
      assert.deepEqual(world.member(1).received, []);
    },
  },
  {
    name: "a member that has started anew is let in at once, whatever link there was",
    run: async (subject) => {
      const world = await NetWorld.of(subject, 1);
      await beDialed(world, 11);
      const anew = await say(world, encodeHello({ ...HELLO, life: 12, link: 79 }));
      assert.equal(refusalOf(anew.answer), "welcome");
      anew.link.send(framed(beat(3, 1, 4)));
      await world.pass(20);
      assert.equal(world.member(1).received.length, 1);
    },
  },
];

const SNAPSHOT = {
  index: 1,
  term: 1,
  confState: { voters: [1], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
  data: new Uint8Array(3),
};
