// What callers and the group are promised, where several things go wrong one after the other.
import { expect, test } from "vitest";
import { encodeConfChange } from "../../src/confchange/change.ts";
import { message } from "../../src/core/message.ts";
import type { PeerReceiver } from "../../src/net/peer-network.ts";
import { RaftNodeError, Session } from "../../src/node/index.ts";
import { command } from "./ledger.ts";
import { TestGroup, watch } from "./test-group.ts";

function unreadableContext(): Uint8Array {
  const changes = [{ type: "add-learner", id: 9 }] as const;
  return encodeConfChange({ transition: "auto", changes, context: Uint8Array.of(1) });
}

function error(code: "TIMEOUT" | "NO_LEADER" | "BUSY", outcome: "unknown" | "not-executed") {
  return new RaftNodeError(code, code, outcome);
}

test.each([
  ["NO_LEADER", 3],
  ["BUSY", 10],
] as const)(
  "a session whose first attempt may have happened never says that it has not: %s",
  async (code, attemptsMax) => {
    let attempts = 0;
    const session = new Session(1, async () => {
      throw ++attempts === 1 ? error("TIMEOUT", "unknown") : error(code, "not-executed");
    });
    const call = session.propose(command("x"), { attemptsMax });
    await expect(call).rejects.toMatchObject({ code, outcome: "unknown" });
  },
);

test("a session none of whose attempts was taken says that it has not happened", async () => {
  const session = new Session(1, async () => {
    throw error("NO_LEADER", "not-executed");
  });
  const call = session.propose(command("x"), { attemptsMax: 3 });
  await expect(call).rejects.toMatchObject({ code: "NO_LEADER", outcome: "not-executed" });
});

test.each([
  ["normal", Uint8Array.of(99, 1, 2)],
  ["normal", Uint8Array.of(1, 0x80)],
  ["conf-change", Uint8Array.of(255)],
  ["conf-change", unreadableContext()],
] as const)(
  "what a member passes on and nobody can read stops nobody: %s %j",
  async (type, data) => {
    const receivers = new Map<number, PeerReceiver>();
    const [group, leader] = await TestGroup.lead({
      wrap: (options) => {
        const { network } = options;
        const start = network.start.bind(network);
        network.start = (self, receiver) => {
          receivers.set(self.id, receiver);
          return start(self, receiver);
        };
        return options;
      },
    });
    const [other] = group.others(leader);
    const passedOn = message("propose", leader.id, other?.id ?? 0, 0);
    passedOn.entries = [{ term: 0, index: 0, type, data }];
    receivers.get(leader.id)?.receive(passedOn);
    await group.run(500);
    expect(group.up.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined]);
    await group.commit("after");
    expect(await group.agree()).toEqual(["after"]);
  },
);

test("a joint change ends although leadership was being handed over in vain meanwhile", async () => {
  const [group, leader] = await TestGroup.lead({ members: 3, spares: 1 });
  const [target] = group.others(leader);
  if (target === undefined) throw new Error("there are three");
  group.member(4).isUp = true;
  group.simulation.node("n4").boot();
  await group.settle(leader.node.addLearner(4, "n4"));
  // What the leader itself has to say is said: from now on it is asked, or silent.
  await group.run(2_000);
  const change = watch(
    leader.node.changeMembers([
      { type: "add-voter", id: 4 },
      { type: "add-learner", id: target.id },
    ]),
  );
  const isJoint = () => leader.node.status().configuration.outgoing.length > 0;
  // The change is appended, on this turn, and not made yet.
  await new Promise((resolve) => setImmediate(resolve));
  group.cut(target);
  watch(leader.node.transferLeadership(target.id));
  await group.until("the change is made", isJoint);
  await group.run(3_000);
  expect(change.error).toBeUndefined();
  expect(leader.node.status().configuration.outgoing).toEqual([]);
});

test("a change that waits while leadership is handed over is not made in the dark", async () => {
  const [group, leader] = await TestGroup.lead({ spares: 1 });
  const [target, other] = group.others(leader);
  if (!(target && other)) throw new Error("there are three");
  await group.agree();
  // While leadership is handed over nothing is proposed; the change waits.
  const transfer = watch(leader.node.transferLeadership(target.id));
  const change = watch(leader.node.remove(other.id));
  await group.until("both are over", () => transfer.isSettled && change.isSettled);
  expect(change.error).toMatchObject({ code: "NOT_LEADER", outcome: "not-executed" });
  expect(target.node.status().group.has(other.id)).toBe(true);
});
