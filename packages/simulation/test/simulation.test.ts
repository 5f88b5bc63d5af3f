import { Simulation, type World } from "@compendium/simulation";
import { expect, test } from "vitest";

// Two nodes that answer each other until one of them has counted to a hundred.
function pingPong(world: World): void {
  const peer = world.name === "a" ? "b" : "a";
  world.datagrams.receive((message) => {
    world.record("got", message);
    const count = (message as number) + 1;
    if (count < 100) world.datagrams.send(peer, count);
  });
  const again = (): void => {
    world.datagrams.send(peer, 0);
    world.clock.setTimer(world.clock.now() + 1_000, again);
  };
  if (world.name === "a") again();
}

async function hashOf(seed: number): Promise<string> {
  const simulation = new Simulation({ seed, nodes: ["a", "b"], start: pingPong });
  await simulation.run(10_000_000);
  expect(simulation.events).toBeGreaterThan(100);
  return simulation.hash;
}

test("the same seed gives the same run, another seed another", async () => {
  const first = await hashOf(1);
  expect(await hashOf(1)).toBe(first);
  expect(await hashOf(2)).not.toBe(first);
});
