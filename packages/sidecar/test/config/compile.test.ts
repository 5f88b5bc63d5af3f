import { describe, test } from "vitest";
import { compile, compileText } from "../../src/config/compile.ts";
import { SidecarConfigError } from "../../src/config/config-error.ts";
import { configTraps } from "./traps.ts";

const subject = { compile, compileText, SidecarConfigError };

describe("a document", () => {
  for (const [name, trap] of Object.entries(configTraps)) test(name, () => trap(subject));
});
