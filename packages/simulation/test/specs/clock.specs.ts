import assert from "node:assert/strict";
import type { World } from "@compendium/simulation";
import { runNodes, type Specs, wait } from "./subject.ts";

const HOUR_MS = 3_600_000;

export const clockSpecs: Specs = {
  "clocks drift apart, and stay within the bound": async (subject) => {
    const drifts: number[] = [];
    for (let seed = 0; seed < 20; seed++) {
      let world: World | undefined;
      const a = (started: World): void => {
        world = started;
      };
      const simulation = await runNodes(subject, { a }, { seed, untilMs: 0 });
      const { clock } = world as unknown as World;
      const before = clock.now();
      await simulation.run(HOUR_MS * 1_000);
      drifts.push(Math.round(((clock.now() - before - HOUR_MS) / HOUR_MS) * 1_000_000));
    }
    assert.ok(
      drifts.every((ppm) => Math.abs(ppm) <= 100),
      `within 100 ppm: ${drifts}`,
    );
    assert.ok(new Set(drifts).size > 10, `not all alike: ${drifts}`);
  },

  "a timer fires at its time by its own clock, however the rate changes": async (subject) => {
    for (const ppm of [-50_000, 50_000]) {
      let lateMs = Number.NaN;
      const a = (world: World): void => {
        const atMs = world.clock.now() + 1_000;
        world.clock.setTimer(atMs, () => {
          lateMs = world.clock.now() - atMs;
        });
      };
      const rate = { kind: "clockRate", node: "a", ppm, atUs: 300_000, forUs: 500_000 } as const;
      await runNodes(subject, { a }, { faults: [rate] });
      assert.ok(lateMs >= 0 && lateMs < 0.002, `${lateMs} ms late with ${ppm} ppm`);
    }
  },

  "a step of the wall clock moves no timer": async (subject) => {
    const seen: number[] = [];
    const a = async (world: World): Promise<void> => {
      const [now, wall] = [world.clock.now(), world.clock.wallMs()];
      await wait(world, 1_000);
      seen.push(world.clock.now() - now, world.clock.wallMs() - wall);
    };
    const step = { kind: "clockStep", node: "a", byMs: -7_000, atUs: 500_000 } as const;
    await runNodes(subject, { a }, { faults: [step] });
    const [elapsedMs = 0, wallMs = 0] = seen;
    assert.ok(Math.abs(elapsedMs - 1_000) < 1 && Math.abs(wallMs + 6_000) < 1, `${seen}`);
  },

  "a paused process notices nothing, and then all of it in order": async (subject) => {
    const seen: string[] = [];
    const a = (world: World): void => {
      const startMs = world.clock.now();
      const note = (what: string): void => {
        seen.push(`${what} ${Math.round((world.clock.now() - startMs) / 100)}`);
      };
      world.datagrams.receive((message) => note(String(message)));
      for (const ms of [100, 300, 500]) {
        world.clock.setTimer(startMs + ms, () => note(`timer ${ms}`));
      }
      const taken = world.clock.setTimer(startMs + 400, () => note("taken back"));
      world.clock.setTimer(startMs + 350, () => taken[Symbol.dispose]());
    };
    const b = async (world: World): Promise<void> => {
      await wait(world, 400);
      world.datagrams.send("a", "message");
    };
    const pause = { kind: "pause", node: "a", atUs: 200_000, forUs: 1_000_000 } as const;
    await runNodes(subject, { a, b }, { faults: [pause] });
    assert.deepEqual(seen, ["timer 100 1", "timer 300 12", "message 12", "timer 500 12"]);
  },

  "after a power cut monotonic time begins anew; after a kill it goes on": async (subject) => {
    for (const [how, begins] of [
      ["power", true],
      ["kill", false],
    ] as const) {
      const starts: number[] = [];
      const a = (world: World): void => {
        starts.push(world.clock.now());
      };
      const crash = { kind: "crash", node: "a", how, atUs: 1_000_000, downUs: 1_000 } as const;
      await runNodes(subject, { a }, { faults: [crash] });
      const [first = 0, second = 0] = starts;
      assert.equal(starts.length, 2);
      if (begins) assert.ok(second < 1_000, `${second}`);
      else assert.ok(Math.abs(second - first - 1_001) < 1, `${starts}`);
    }
  },
};
