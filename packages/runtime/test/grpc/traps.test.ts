// The sentences of traps.ts, on the package.
import * as subject from "@compendium/runtime/grpc";
import { test } from "vitest";
import { spring } from "./judge.ts";
import { traps } from "./traps.ts";

test.each(traps.map((trap) => [trap.name, trap] as const))("%s", (_, trap) =>
  spring(trap, subject),
);
