// The known traps of Raft, each a rule with its place in the paper, the thesis or etcd's practice.
import * as raft from "@compendium/raft";
import { test } from "vitest";
import { coreOf } from "../src/core/raw-node.ts";
import { traps } from "./traps/all.ts";

const subject = { ...raft, coreOf };

test.each(traps.map((trap) => [trap.name, trap] as const))("%s", (_, trap) => {
  trap.run(subject);
});
