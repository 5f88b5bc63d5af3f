// A log that is gone without its identity: what an operator does who "starts afresh" after rot.
import { expect, test } from "vitest";
import { TestGroup } from "./test-group.ts";

test("a member whose log is gone, though its identity is there, is refused", async () => {
  const [group, leader] = await TestGroup.lead();
  await group.commit("acknowledged");
  await group.agree();
  const [member] = group.others(leader);
  if (member === undefined) throw new Error("there are three");
  await group.settle(member.node.close());
  const { files } = member.world;
  for (const name of await group.settle(files.list("raft/log"))) {
    await group.settle(files.remove(`raft/log/${name}`));
  }
  await group.boot(member);
  expect(member.refusal).toMatchObject({ code: "WRONG_DISK", outcome: "not-executed" });
});
