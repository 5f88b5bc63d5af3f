// Who may talk in the name of a member, and what is remembered of those who say who they are.
import { EMPTY_CONF_STATE } from "@compendium/raft";
import { expect, test } from "vitest";
import { Admission } from "../../src/node/admission.ts";
import type { RaftNodeError } from "../../src/node/index.ts";
import { ReplicatedState } from "../../src/node/replicated-state.ts";
import { Ledger } from "./ledger.ts";

function begin() {
  const state = new ReplicatedState(new Ledger(), EMPTY_CONF_STATE);
  for (const id of [1, 2, 3]) state.members.set(id, { address: `n${id}`, diskId: 0 });
  const turnedAway: RaftNodeError[] = [];
  const admission = new Admission({ id: 1, diskId: 11 }, state, (error) => turnedAway.push(error));
  const bind = (id: number, diskId: number) => {
    state.members.set(id, { address: `n${id}`, diskId });
    const exposed = [...admission.exposed()];
    admission.checkSelf();
    return exposed;
  };
  return { state, admission, turnedAway, bind };
}

test("the group is told of a disk once, and again only when it has not agreed after a while", () => {
  const { admission, bind } = begin();
  admission.admit({ id: 2, diskId: 22 });
  const told = (nowMs: number) => [...admission.unbound(nowMs, 100)].map(({ id }) => id);
  expect(told(0)).toEqual([1, 2]);
  expect(told(50)).toEqual([]);
  bind(1, 11);
  // Who says the same again is not news.
  admission.admit({ id: 2, diskId: 22 });
  expect(told(99)).toEqual([]);
  expect(told(100)).toEqual([2]);
  bind(2, 22);
  expect(told(1_000)).toEqual([]);
});

test("who has another disk than the group knows is turned away, and who was removed", () => {
  const { admission, state, bind } = begin();
  expect(admission.admit({ id: 2, diskId: 22 })).toBeUndefined();
  bind(2, 22);
  expect(admission.admit({ id: 2, diskId: 22 })).toBeUndefined();
  expect(admission.admit({ id: 2, diskId: 23 })).toMatch(/^wrong-disk: member 2/);
  state.members.delete(3);
  state.removed.add(3);
  expect(admission.admit({ id: 3, diskId: 33 })).toMatch(/^removed: member 3/);
});

test("a member is told why, and stops for the two reasons for which there is no coming back", () => {
  const { admission, turnedAway, bind } = begin();
  admission.refused("busy: come back later");
  expect(admission.lastRefusal).toBe("busy: come back later");
  expect(turnedAway).toEqual([]);
  admission.refused("removed: you");
  bind(1, 12);
  expect(turnedAway.map(({ code }) => code)).toEqual(["REMOVED", "WRONG_DISK"]);
});

test("a stranger is let in, may be a member later, and many of them are forgotten", () => {
  const { admission, state } = begin();
  admission.admit({ id: 2, diskId: 22 });
  for (let id = 4; id < 10_000; id++) {
    expect(admission.admit({ id, diskId: id })).toBeUndefined();
  }
  for (let id = 4; id < 10_000; id++) state.members.set(id, { address: `n${id}`, diskId: 0 });
  const known = [...admission.unbound(0, 100)].map(({ id }) => id);
  expect(known).toHaveLength(1_024);
  expect(known.slice(0, 2)).toEqual([1, 2]);
  expect(known.at(-1)).toBe(9_999);
});

test("who was let in under a name whose disk the group learns later is named, once", () => {
  const { admission, bind } = begin();
  expect(admission.admit({ id: 2, diskId: 22 })).toBeUndefined();
  expect(admission.admit({ id: 3, diskId: 34 })).toBeUndefined();
  expect(bind(2, 22)).toEqual([]);
  expect(bind(3, 33)).toEqual([3]);
  expect(bind(3, 33)).toEqual([]);
});
