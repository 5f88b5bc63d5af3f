// The demo as it would be if somebody took the circuit breaker away: whatever is asked for, the
// edge runs unprotected. The comparison must notice.

import { ChildStacks } from "../../src/stack.ts";
import { runSupervisor } from "../../src/supervisor.ts";

const stacks = new ChildStacks((line) => console.log(line));

await runSupervisor(
  {
    name: "demo",
    host: "127.0.0.1",
    port: 0,
    portGiven: true,
    once: true,
    experiments: ["x1"],
    jsonFile: undefined,
    mesh: false,
  },
  { independent: true, fresh: () => stacks.fresh(false) },
);
