import assert from "node:assert/strict";
import type { Link } from "@compendium/runtime";
import type { Fault, NetworkOptions, World } from "@compendium/simulation";
import { CALM, codeOf, type Package, runNodes, type Specs, wait } from "./subject.ts";

/** Numbers sent from a to b, one a millisecond, as they arrive, with the time by which they did. */
async function datagrams(
  subject: Package,
  count: number,
  network: NetworkOptions,
  faults: readonly Fault[] = [],
): Promise<{ number: number; atUs: number }[]> {
  const seen: { number: number; atUs: number }[] = [];
  const a = async (world: World): Promise<void> => {
    for (let number = 0; number < count; number++) {
      world.datagrams.send("b", number);
      await wait(world, 1);
    }
  };
  const b = (world: World): void => {
    world.datagrams.receive((number) => world.record("got", number));
  };
  await runNodes(
    subject,
    { a, b },
    {
      network,
      faults,
      clock: { driftPpmMax: 0 },
      onObservation: ({ data, us }) => seen.push({ number: data as number, atUs: us }),
    },
  );
  return seen;
}

const cut = (oneWay: boolean, forUs: number): Fault => {
  return { kind: "partition", from: ["a"], to: ["b"], oneWay, atUs: 100_000, forUs };
};

/** A link from a to b, what came out of it, and how each end ended. */
async function overLink(
  subject: Package,
  count: number,
  faults: readonly Fault[],
  network: NetworkOptions = {},
) {
  const received: number[] = [];
  const ends: Record<string, string> = {};
  let endedAtUs = 0;
  const watch = (world: World, link: Link): void => {
    void link.closed.then((fault) => world.record("end", (fault as { code?: string })?.code ?? ""));
  };
  const a = async (world: World): Promise<void> => {
    if (world.incarnation > 0) return;
    await wait(world, 10);
    const link = await world.transport.connect("b");
    watch(world, link);
    for (let number = 0; number < count; number++) {
      link.send(Uint8Array.of(number));
      await wait(world, 1);
    }
  };
  const b = async (world: World): Promise<void> => {
    if (world.incarnation > 0) return;
    await world.transport.listen("b", async (link) => {
      watch(world, link);
      try {
        for await (const [number] of link) received.push(number as number);
      } catch {
        // The end is seen by `closed`.
      }
    });
  };
  await runNodes(
    subject,
    { a, b },
    {
      network,
      faults,
      onObservation: ({ node, data, us }) => {
        ends[node] = data as string;
        endedAtUs = us;
      },
    },
  );
  return { received, ends, endedAtUs };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export const networkSpecs: Specs = {
  "nothing arrives over a path that is cut, not even what was on its way": async (subject) => {
    const slow = { ...CALM, delayUs: [5_000, 50_000] as const };
    for (const network of [CALM, slow]) {
      const seen = await datagrams(subject, 500, network, [cut(true, 200_000)]);
      const during = seen.filter(({ atUs }) => atUs >= 100_000 && atUs < 300_000);
      assert.equal(during.length, 0);
      assert.ok(seen.some(({ atUs }) => atUs < 100_000) && seen.some(({ atUs }) => atUs > 300_000));
    }
  },

  "a cut in one direction leaves the other open": async (subject) => {
    const other: Fault = { ...cut(true, 5_000_000), from: ["b"], to: ["a"] } as Fault;
    assert.equal((await datagrams(subject, 500, CALM, [other])).length, 500);
    const both: Fault = { ...other, oneWay: false } as Fault;
    assert.ok((await datagrams(subject, 500, CALM, [both])).length < 110);
  },

  "two cuts of one path both have to end": async (subject) => {
    const faults = [cut(true, 100_000), cut(true, 300_000)];
    const seen = await datagrams(subject, 500, CALM, faults);
    assert.equal(seen.filter(({ atUs }) => atUs > 100_000 && atUs < 400_000).length, 0);
  },

  "datagrams overtake each other, unless the path is fifo": async (subject) => {
    const order = async (fifo: boolean) => {
      const seen = await datagrams(subject, 500, { ...CALM, delayUs: [100, 20_000], fifo });
      return seen.map(({ number }) => number);
    };
    assert.deepEqual(await order(true), upTo(500));
    const free = await order(false);
    assert.notDeepEqual(free, upTo(500));
    assert.deepEqual(
      free.toSorted((x, y) => x - y),
      upTo(500),
    );
  },

  "as many are lost and doubled as was asked for": async (subject) => {
    const lossy = await datagrams(subject, 4_000, { ...CALM, lossPer1000: 100 });
    assert.ok(lossy.length > 3_480 && lossy.length < 3_720, `${lossy.length} of 4000 arrived`);
    const doubled = await datagrams(subject, 4_000, { ...CALM, duplicatesPer1000: 100 });
    assert.ok(doubled.length > 4_280 && doubled.length < 4_520, `${doubled.length} for 4000`);
    assert.equal(new Set(doubled.map(({ number }) => number)).size, 4_000);
  },

  "a slow path is slow": async (subject) => {
    const slow: Fault = {
      kind: "slowLink",
      from: "a",
      to: "b",
      factor: 100,
      atUs: 100_000,
      forUs: 100_000,
    };
    const seen = await datagrams(subject, 300, { ...CALM, delayUs: [100, 100] }, [slow]);
    const lateUs = seen.map(({ number, atUs }) => atUs - number * 1_000);
    assert.ok(lateUs.filter((us) => us > 9_000).length >= 95);
    assert.ok(lateUs.filter((us) => us < 1_000).length >= 195);
  },

  "in bad weather a link still carries everything, in order": async (subject) => {
    const network = { lossPer1000: 200, stragglersPer1000: 300 };
    const { received, ends } = await overLink(subject, 200, [], network);
    assert.deepEqual([received, ends], [upTo(200), {}]);
  },

  "a short cut delays a link, a long one breaks it": async (subject) => {
    const short = await overLink(subject, 200, [cut(false, 1_000_000)]);
    assert.deepEqual([short.received, short.ends], [upTo(200), {}]);
    const long = await overLink(subject, 200, [cut(false, 5_000_000)]);
    assert.deepEqual(long.ends, { a: "LINK_BROKEN", b: "LINK_BROKEN" });
    assert.deepEqual(long.received, upTo(long.received.length));
    assert.ok(long.received.length > 50 && long.received.length < 100);
  },

  "the peer of a process that was killed hears of it; after a power cut it gives up": async (
    subject,
  ) => {
    const crash = (how: "kill" | "power", downUs: number): Fault => {
      return { kind: "crash", node: "a", how, atUs: 100_000, downUs };
    };
    const killed = await overLink(subject, 500, [crash("kill", 9_000_000)], CALM);
    assert.deepEqual(killed.ends, { b: "LINK_BROKEN" });
    assert.ok(killed.endedAtUs < 110_000, `${killed.endedAtUs}`);
    assert.deepEqual(killed.received, upTo(killed.received.length));
    const dark = await overLink(subject, 500, [crash("power", 9_000_000)], CALM);
    assert.deepEqual(dark.ends, { b: "LINK_BROKEN" });
    assert.ok(dark.endedAtUs > 3_100_000 && dark.endedAtUs < 3_200_000, `${dark.endedAtUs}`);
    const back = await overLink(subject, 500, [crash("power", 500_000)], CALM);
    assert.ok(back.endedAtUs > 600_000 && back.endedAtUs < 610_000, `${back.endedAtUs}`);
  },

  "connecting to a dead node is refused, over a cut path it takes its time": async (subject) => {
    const answers: unknown[] = [];
    const a = async (world: World): Promise<void> => {
      await wait(world, 200);
      for (const peer of ["b", "c"]) {
        const startMs = world.clock.now();
        const code = await codeOf(world.transport.connect(peer));
        answers.push([peer, code, Math.round((world.clock.now() - startMs) / 1_000)]);
      }
    };
    const listen = async (world: World): Promise<void> => {
      await world.transport.listen(world.name, () => {});
    };
    const faults: Fault[] = [
      { kind: "crash", node: "b", how: "kill", atUs: 100_000, downUs: 9_000_000 },
      { kind: "partition", from: ["a"], to: ["c"], oneWay: false, atUs: 100_000, forUs: 9_000_000 },
    ];
    await runNodes(subject, { a, b: listen, c: listen }, { faults });
    assert.deepEqual(answers, [
      ["b", "CONNECT_FAILED", 0],
      ["c", "CONNECT_FAILED", 3],
    ]);
  },

  "a node listens on its own addresses only, and sends to nodes of its world": async (subject) => {
    let refused = 0;
    const a = async (world: World): Promise<void> => {
      await assert.rejects(
        world.transport.listen("b", () => {}),
        RangeError,
      );
      assert.throws(() => world.datagrams.send("nobody", 1), RangeError);
      refused++;
    };
    await runNodes(subject, { a, b: () => {} });
    assert.equal(refused, 1);
  },
};
