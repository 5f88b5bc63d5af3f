// Members that the group has sent away, or knows by another disk.
import { expect, test } from "vitest";
import { type ConfState, EMPTY_CONF_STATE } from "../../src/confchange/conf-state.ts";
import { forceNewGroup } from "../../src/node/index.ts";
import { ReplicatedState } from "../../src/node/replicated-state.ts";
import { WriteAheadLog } from "../../src/wal/index.ts";
import { Ledger } from "./ledger.ts";
import { TestGroup } from "./test-group.ts";

// Puts a snapshot onto the disk of member 1, as if the group's leader had sent it.
async function save(group: TestGroup, confState: ConfState, state: ReplicatedState): Promise<void> {
  const { world, node } = group.member(1);
  const { applied, term, vote } = node.status();
  const index = applied + 10;
  const options = { files: world.files, folder: "raft/log", clock: world.clock };
  const { log } = await group.settle(WriteAheadLog.open(options));
  const snapshot = { index, term, confState, data: state.encode() };
  await group.settle(log.saveSnapshot(snapshot, { term, vote, commit: index }));
  await group.settle(log.close());
}

test("a group that is begun anew by a member that was removed has that member, and others", async () => {
  const group = await TestGroup.start({ members: 1, spares: 1 });
  const one = group.member(1);
  await group.commit("before");
  await group.settle(one.node.close());
  const { files } = one.world;
  const state = new ReplicatedState(new Ledger(), EMPTY_CONF_STATE);
  state.members.set(2, { address: "n2", diskId: 0 });
  state.removed.add(1);
  await save(group, { ...EMPTY_CONF_STATE, voters: [2] }, state);
  const machine = new Ledger();
  const options = { id: 1, machine, files, folder: "raft", address: "n1" };
  await group.settle(forceNewGroup(options));
  await group.boot(one);
  await group.leader([one]);
  await group.run(2_000);
  expect(one.failure).toBeUndefined();
  await group.commit("after", [one]);
});

test("a member that learns from a snapshot that its disk is another one stops", async () => {
  const group = await TestGroup.start({ members: 1 });
  const one = group.member(1);
  await group.commit("kept");
  await group.settle(one.node.close());
  const state = new ReplicatedState(new Ledger(), EMPTY_CONF_STATE);
  state.members.set(1, { address: "n1", diskId: 77 });
  await save(group, { ...EMPTY_CONF_STATE, voters: [1] }, state);
  await group.boot(one);
  await group.until("it has stopped", () => one.failure !== undefined);
  expect(one.failure).toMatchObject({ code: "WRONG_DISK" });
});
