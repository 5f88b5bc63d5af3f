// The system's resolver, on names that need no network (RFC 6761).
import { expect, test } from "vitest";
import { SystemResolver } from "../../src/discovery/resolver.ts";

test("localhost is this machine", async () => {
  const found = await new SystemResolver().resolve("localhost");
  expect(found.length).toBeGreaterThan(0);
  for (const { address } of found) expect(["127.0.0.1", "::1"]).toContain(address);
});

test("RFC 6761 §6.4: a name under .invalid has no address, or nobody can be asked", async () => {
  const found = await new SystemResolver().resolve("nobody.invalid").catch((error) => error.code);
  expect([[], "EAI_AGAIN"]).toContainEqual(found);
});

test("a name that is being looked up is not looked up again beside that", async () => {
  const resolver = new SystemResolver();
  const first = resolver.resolve("localhost");
  expect(resolver.resolve("localhost")).toBe(first);
  await first;
  const second = resolver.resolve("localhost");
  expect(second).not.toBe(first);
  await second;
});
