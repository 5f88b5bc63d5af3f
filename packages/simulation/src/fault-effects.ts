// What each kind of fault does to the world. Those that last end by themselves; `heal` ends all.

import type { DiskFault, Fault, PartitionFault } from "./fault.ts";
import type { Simulation } from "./simulation.ts";

// How much slower than usual a slow disk is.
const SLOW_DISK_FACTOR = 50;

/** Has a fault befall the world when its time comes. */
export function befall(simulation: Simulation, fault: Fault): void {
  if (fault.kind === "crashAtEffect") return simulation.node(fault.node).crashAtEffect(fault);
  simulation.schedule(fault.atUs, undefined, () => {
    if (simulation.isCalm) return;
    const node = "node" in fault ? fault.node : "";
    simulation.trace.add(simulation.nowUs, `fault ${fault.kind}`, node);
    const end = begin(simulation, fault);
    if (end === undefined || !("forUs" in fault)) return;
    simulation.schedule(fault.atUs + fault.forUs, undefined, () => {
      if (!simulation.isCalm) end();
    });
  });
}

/** Begins it; returns what ends it. */
function begin(
  simulation: Simulation,
  fault: Exclude<Fault, { kind: "crashAtEffect" }>,
): (() => void) | undefined {
  const { network } = simulation;
  switch (fault.kind) {
    case "crash":
      simulation.crash(fault.node, fault.how, fault.downUs);
      return undefined;
    case "blackout":
      for (const node of fault.nodes) simulation.crash(node, "power", fault.downUs);
      return undefined;
    case "pause":
      simulation.node(fault.node).pause();
      return () => simulation.node(fault.node).resume();
    case "partition": {
      const paths = pathsOf(simulation, fault);
      for (const path of paths) path.cut();
      return () => {
        for (const path of paths) path.mend();
      };
    }
    case "slowLink": {
      const path = network.path(fault.from, fault.to);
      path.slowDown(fault.factor);
      return () => path.slowDown(1);
    }
    case "weather":
      network.setWeather(fault);
      return () => network.setWeather(undefined);
    case "clockRate":
      simulation.node(fault.node).setRate(fault.ppm);
      return () => simulation.node(fault.node).setRate(undefined);
    case "clockStep":
      simulation.node(fault.node).stepWall(fault.byMs * 1_000);
      return undefined;
    case "bitRot":
      simulation.node(fault.node).disk.rot(fault.draw);
      return undefined;
    default:
      return troubleDisk(simulation, fault);
  }
}

function troubleDisk(simulation: Simulation, { kind, node }: DiskFault): (() => void) | undefined {
  const { disk } = simulation.node(node);
  switch (kind) {
    case "diskFull":
      disk.full = true;
      return () => {
        disk.full = false;
      };
    case "diskSlow":
      disk.slowness = SLOW_DISK_FACTOR;
      return () => {
        disk.slowness = 1;
      };
    case "writeFails":
      disk.failingWrites++;
      return undefined;
    case "syncFails":
      disk.failingSyncs++;
      return undefined;
  }
}

function pathsOf({ network }: Simulation, { from, to, oneWay }: PartitionFault) {
  const paths = from.flatMap((a) => to.map((b) => [a, b] as const)).filter(([a, b]) => a !== b);
  const both = oneWay ? paths : paths.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);
  return both.map(([a, b]) => network.path(a, b));
}
