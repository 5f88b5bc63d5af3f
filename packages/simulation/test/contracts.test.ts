// Runtime's own contracts, on the simulated world. Time passes beside the tests here, as it does in
// the real world: the suites were written for any implementation.
import type { Clock } from "@compendium/runtime";
import { Simulation, type World } from "@compendium/simulation";
import { describe, onTestFinished } from "vitest";
import { describeClock } from "../../runtime/test/clock.contract.ts";
import { describeFiles } from "../../runtime/test/files.contract.ts";
import { describeTransport } from "../../runtime/test/transport.contract.ts";

const MESSAGE_BYTES_MAX = 4_096;

/** The worlds of two nodes whose time passes until the test is over. */
async function liveWorlds(): Promise<{ a: World; b: World }> {
  const worlds = new Map<string, World>();
  const simulation = new Simulation({
    seed: 1,
    nodes: ["a", "b"],
    network: {
      messageBytesMax: MESSAGE_BYTES_MAX,
      queueBytesMax: 16_384,
      inboxBytesMax: 16_384,
    },
    start: (world) => {
      worlds.set(world.name, world);
    },
  });
  await simulation.run(1);
  let over = false;
  onTestFinished(() => {
    over = true;
  });
  const pass = async (): Promise<void> => {
    while (!over) await simulation.run(simulation.nowUs + 1_000);
  };
  void pass();
  return { a: worlds.get("a") as World, b: worlds.get("b") as World };
}

describe("SimulatedFiles", () => {
  describeFiles(async () => (await liveWorlds()).a.files);
});

describe("SimulatedTransport", () => {
  describeTransport(async () => {
    const { a, b } = await liveWorlds();
    return {
      a: a.transport,
      b: b.transport,
      address: "b:peers",
      deserted: "b:nobody",
      messageBytesMax: MESSAGE_BYTES_MAX,
    };
  });
});

describe("SimulatedClock", () => {
  describeClock(() => {
    const simulation = new Simulation({ seed: 1, nodes: ["a"], start: () => {} });
    simulation.node("a").boot();
    const clock = simulation.node("a").clock as Clock;
    const pass = (ms: number): Promise<void> => simulation.run(simulation.nowUs + ms * 1_000);
    return { clock, pass };
  });
});
