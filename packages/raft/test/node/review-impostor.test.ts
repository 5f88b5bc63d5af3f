// Somebody comes in a member's name and without its disk, before the group knows that disk.
import { expect, test } from "vitest";
import type { PeerReceiver } from "../../src/net/peer-network.ts";
import { TestGroup } from "./test-group.ts";

test("whoever was let in too early loses its links as soon as the group knows better", async () => {
  const receivers = new Map<number, PeerReceiver>();
  const reached = new Map<number, number[][]>();
  const [group, leader] = await TestGroup.lead({
    wrap: (options) => {
      const { id, network } = options;
      const start = network.start.bind(network);
      const setPeers = network.setPeers.bind(network);
      reached.set(id, []);
      network.start = (self, receiver) => {
        receivers.set(id, receiver);
        return start(self, receiver);
      };
      network.setPeers = (addresses) => {
        reached.get(id)?.push([...addresses.keys()]);
        setPeers(addresses);
      };
      return options;
    },
  });
  const [one, other] = group.others(leader);
  if (!(one && other)) throw new Error("there are three");
  const impostor = { id: other.id, diskId: 999 };
  expect(receivers.get(one.id)?.admit(impostor)).toBeUndefined();
  const known = () => one.node.status().group.get(other.id)?.diskId;
  await group.until("the group knows its disk", () => known() !== 0);
  expect(known()).not.toBe(999);
  expect(receivers.get(one.id)?.admit(impostor)).toMatch(/^wrong-disk/);
  const links = reached.get(one.id) ?? [];
  const cut = links.findIndex((ids) => !ids.includes(other.id));
  expect(cut).toBeGreaterThan(0);
  expect(links.slice(cut + 1).every((ids) => ids.includes(other.id))).toBe(true);
  await group.commit("all is well");
  await group.agree();
});
