// The promises of the formal ground, against worlds and programs that nobody has thought of.

import { SeededRandom } from "@compendium/runtime";
import { drawFaults, type Fault, Simulation, type World } from "@compendium/simulation";
import fc from "fast-check";
import { expect, test } from "vitest";

const SECTOR = 512;
const SECTORS = 6;

type Step =
  | { readonly do: "write"; readonly first: number; readonly count: number }
  | { readonly do: "sync" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    first: fc.nat(SECTORS - 1),
    count: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ do: fc.constant("sync" as const) }),
);

test("after a power cut each sector holds the last durable write to it, or any later one", async () => {
  const cases = fc.asyncProperty(
    fc.nat(1_000_000),
    fc.array(step, { minLength: 1, maxLength: 20 }),
    fc.nat(150),
    async (seed, steps, effect) => {
      // Per sector, what may be found: the durable value first, then all that were written since.
      let possible = Array.from({ length: SECTORS }, () => [0]);
      let found: number[] | undefined;
      const first = async ({ files }: World): Promise<void> => {
        const file = await files.open("log", { create: "always" });
        await files.syncFolder("");
        for (const [number, what] of steps.entries()) {
          if (what.do === "sync") {
            const covered = possible.map((values) => values.slice(-1));
            await file.sync();
            possible = covered;
            continue;
          }
          const count = Math.min(what.count, SECTORS - what.first);
          for (let i = what.first; i < what.first + count; i++) possible[i]?.push(number + 1);
          await file.write(new Uint8Array(count * SECTOR).fill(number + 1), what.first * SECTOR);
        }
      };
      const second = async ({ files }: World): Promise<void> => {
        const bytes = new Uint8Array(SECTORS * SECTOR);
        const file = await files.open("log", { create: "ifMissing" });
        await file.read(bytes, 0);
        found = Array.from({ length: SECTORS }, (_, i) => {
          const values = new Set(bytes.subarray(i * SECTOR, (i + 1) * SECTOR));
          return values.size === 1 ? ([...values][0] as number) : -1;
        });
      };
      const moment = (["before", "during", "after"] as const)[effect % 3] ?? "before";
      const at = Math.floor(effect / 3);
      const faults: Fault[] = [
        { kind: "crashAtEffect", node: "a", effect: at, moment, how: "power", downUs: 1_000 },
        { kind: "crash", node: "a", how: "power", atUs: 5_000_000, downUs: 1_000 },
      ];
      const start = (world: World) => (world.incarnation === 0 ? first(world) : second(world));
      const simulation = new Simulation({ seed, nodes: ["a"], start, faults });
      await simulation.run(10_000_000);
      expect(found).toBeDefined();
      for (const [i, value] of (found ?? []).entries()) expect(possible[i]).toContain(value);
    },
  );
  await fc.assert(cases, { numRuns: 400 });
});

/** Sends numbers over a link, and over another one when it breaks, for ever. */
async function sender(world: World): Promise<void> {
  for (let link = 0; ; link++) {
    try {
      await using near = await world.transport.connect("b");
      for (
        let number = 0;
        near.send(Uint8Array.of(link % 256, number % 256)) !== "closed";
        number++
      ) {
        await new Promise<void>((resolve) => world.clock.setTimer(world.clock.now() + 5, resolve));
      }
    } catch {
      await new Promise<void>((resolve) => world.clock.setTimer(world.clock.now() + 20, resolve));
    }
  }
}

async function receiver(world: World): Promise<void> {
  let links = 0;
  await world.transport.listen("b", async (link) => {
    const name = `${world.incarnation}.${links++}`;
    try {
      for await (const [from = 0, number = 0] of link) world.record("got", [name, from, number]);
    } catch {
      // The sender opens another one.
    }
  });
}

test("whatever befalls a link, what is received is a prefix of what was sent", async () => {
  let received = 0;
  let links = 0;
  const cases = fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
    const place = { nodes: ["a", "b"], clients: [], untilUs: 5_000_000 };
    const faults = drawFaults(new SeededRandom(seed), place, { lastsUsMax: 5_000_000 });
    const next = new Map<string, number>();
    const simulation = new Simulation({
      seed,
      nodes: ["a", "b"],
      faults,
      start: (world) => (world.name === "a" ? sender(world) : receiver(world)),
      onObservation: ({ data }) => {
        const [name, from, number] = data as [string, number, number];
        const key = `${name} ${from}`;
        const expected = next.get(key) ?? 0;
        expect(number).toBe(expected);
        next.set(key, (expected + 1) % 256);
        received++;
      },
    });
    await simulation.run(5_000_000);
    simulation.heal();
    const before = received;
    await simulation.run(15_000_000);
    // Healed, the two find each other again: no end of a link is left that waits for nobody.
    expect(received).toBeGreaterThan(before + 100);
    links += next.size;
  });
  await fc.assert(cases, { numRuns: 60 });
  expect(links).toBeGreaterThan(80);
});
