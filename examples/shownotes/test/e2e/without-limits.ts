// The demo as it would be if somebody took the token bucket away: whatever is asked for, the edge
// limits nobody. X3 must notice.
import { runSupervisor } from "../../src/supervisor.ts";
import { createX3 } from "../../src/x3.ts";
import { X3ChildStacks, type X3Source } from "../../src/x3-stacks.ts";

const stacks = new X3ChildStacks((line) => console.log(line));
const unlimited: X3Source = {
  fresh: async (lost) => {
    const stack = await stacks.fresh(lost);
    return { ...stack, set: (switches) => stack.set({ ...switches, limits: false }) };
  },
};

await runSupervisor(
  {
    name: "demo",
    host: "127.0.0.1",
    port: 0,
    portGiven: true,
    once: true,
    experiments: ["x3"],
    jsonFile: undefined,
    mesh: false,
  },
  undefined,
  [createX3(unlimited)],
);
