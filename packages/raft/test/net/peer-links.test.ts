import { describe, expect, test } from "vitest";
import * as subject from "../../src/net/index.ts";
import { traps } from "./traps.ts";

describe("members over simulated links", () => {
  test.each(traps.map((trap) => [trap.name, trap] as const))("%s", async (_, trap) => {
    await trap.run(subject);
  });
});

test("options are checked, and named", () => {
  const needed = { transport: {}, address: "", group: "g", clock: {}, random: {} } as never;
  const make = (options: object) => () =>
    new subject.PeerLinks(Object.assign({}, needed, options) as subject.PeerLinksOptions);
  expect(make({ silenceMs: 0 })).toThrow(/silenceMs must be an integer in \[4, 600000\], got 0/);
  expect(make({ windowBytes: 1_000 })).toThrow(/windowBytes/);
  expect(make({ backoffMinMs: 50, backoffMaxMs: 20 })).toThrow(/backoffMaxMs/);
  expect(make({ group: "" })).toThrow(/group must have 1 to 256 bytes, got 0/);
  expect(make({})).not.toThrow();
});
