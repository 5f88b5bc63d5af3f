// Who leads, as a node tells it: the leader, the term, and that it has changed.
import { expect, test } from "vitest";
import type { Leadership, RaftNodeOptions } from "../../src/node/index.ts";
import { ELECTION_TIMEOUT_MS, TestGroup } from "./test-group.ts";

test("a leader that leads again, in a later term, is another leadership for all", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const heard = new Map<number, Leadership>();
    const wrap = (options: RaftNodeOptions) => ({
      ...options,
      onLeadership: (leadership: Leadership) => {
        options.onLeadership?.(leadership);
        heard.set(options.id, leadership);
      },
    });
    const [group] = await TestGroup.lead({ seed, wrap });
    const { random } = group.member(1).world;
    for (let round = 0; round < 6; round++) {
      const leader = await group.leader();
      group.crash(leader);
      // Before anybody has missed it, or while they elect another.
      await group.run(random.below(2 * ELECTION_TIMEOUT_MS));
      await group.boot(leader);
      await group.leader(undefined, 2_000);
      for (const { id, node } of group.up) {
        const { term, lead, role } = node.status();
        expect(node.leadership).toEqual({ term, leader: lead, isLeader: role === "leader" });
        expect(heard.get(id)).toEqual(node.leadership);
      }
    }
  }
});
