// Sentences about who is let in. (What is said to those who are not: tls.test.ts.)
import { deepEqual, equal } from "node:assert/strict";
import type { GrpcTransport } from "@compendium/runtime/grpc";
import { Authority } from "./certificates.ts";
import { all, codeOf, refusalOf, type Trap, type World } from "./world.ts";

// What becomes of a message from one to the other.
async function meet(world: World, a: GrpcTransport, b: GrpcTransport): Promise<string> {
  const { address, accepted } = await world.listening(b);
  const refusal = await refusalOf(
    a.connect(address).then((near) => {
      near.send(Uint8Array.of(1));
      near.close();
    }),
  );
  if (refusal !== undefined) return codeOf(refusal) ?? String(refusal);
  return `received ${(await all(await accepted)).length}`;
}

export const tlsTraps: readonly Trap[] = [
  {
    name: "members of one authority meet; strangers, and who shows nothing, stay outside",
    run: async (world) => {
      const [ours, theirs] = [new Authority("ours"), new Authority("theirs")];
      const b = world.transport({ tls: ours.member("b") });
      equal(await meet(world, world.transport({ tls: ours.member("a") }), b), "received 1");
      for (const tls of [{ ca: ours.ca }, { ...theirs.member("c"), ca: ours.ca }]) {
        equal(await meet(world, world.transport({ tls }), b), "CONNECT_FAILED");
      }
      equal(b.stats().links, 0);
    },
  },
  {
    name: "a listener must have the name that it is called by",
    run: async (world) => {
      const ours = new Authority("ours");
      const elsewhere = world.transport({ tls: ours.member("b", ["elsewhere"]) });
      const a = world.transport({ tls: ours.member("a") });
      equal(await meet(world, a, elsewhere), "CONNECT_FAILED");
      const named = world.transport({ tls: { ...ours.member("a"), serverName: "elsewhere" } });
      equal(await meet(world, named, elsewhere), "received 1");
    },
  },
  {
    name: "verifyPeer has the last word at either end",
    run: async (world) => {
      const ours = new Authority("ours");
      const suspicious = (name: string) =>
        world.transport({ tls: { ...ours.member(name), verifyPeer: () => false } });
      const easy = (name: string) => world.transport({ tls: ours.member(name) });
      equal(await meet(world, easy("a"), easy("b")), "received 1");
      equal(await meet(world, suspicious("a"), easy("b")), "CONNECT_FAILED");
      equal(await meet(world, easy("a"), suspicious("b")), "CONNECT_FAILED");
    },
  },
  {
    name: "certificates that were replaced count from then on, at either end",
    run: async (world) => {
      const [old, young] = [new Authority("old"), new Authority("young")];
      const a = world.transport({ tls: old.member("a") });
      const b = world.transport({ tls: old.member("b") });
      const { address, accepted } = await world.listening(b);
      const near = await a.connect(address);
      b.replaceCertificates(young.member("b"));
      equal(codeOf(await refusalOf(a.connect(address))), "CONNECT_FAILED");
      a.replaceCertificates(young.member("a"));
      await a.connect(address);
      near.send(Uint8Array.of(1));
      near.close();
      deepEqual(await all(await accepted), [Uint8Array.of(1)]);
    },
  },
];
