// What a caller may rely on: options, outcomes, misuse, the memory storage, and a group of three
// from election to agreement.

import * as raft from "@compendium/raft";
import { encodeConfChange, LEAVE_JOINT, MemoryStorage, RaftError, RawNode } from "@compendium/raft";
import { describe, expect, test } from "vitest";
import { coreOf } from "../src/core/raw-node.ts";
import { entry, Lab } from "./lab.ts";

const subject = { ...raft, coreOf };
const random = { below: () => 0 };
const options = () => ({
  id: 1,
  storage: new MemoryStorage(),
  random,
  electionTicks: 10,
  heartbeatTicks: 1,
});

describe("options", () => {
  test("one out of range is named, with its value and what it may be", () => {
    expect(() => new RawNode({ ...options(), id: 0 })).toThrow(
      new RangeError("id is 0; it must be an integer of 1 or more"),
    );
    expect(() => new RawNode({ ...options(), electionTicks: 1 })).toThrow(
      new RangeError("electionTicks is 1; it must be an integer of 2 or more"),
    );
    expect(() => new RawNode({ ...options(), appendBytesMax: 0.5 })).toThrow(RangeError);
  });

  test("reads by a lease need the quorum checked: nothing else ends the lease", () => {
    expect(() => new RawNode({ ...options(), reads: "lease-based" })).toThrow(TypeError);
  });
});

describe("a group of three", () => {
  test("elects, replicates and applies in one order", () => {
    const lab = new Lab(subject, [1, 2, 3]);
    lab.tick(2, 30);
    lab.settle();
    expect(lab.core(2).role).toBe("leader");
    for (const text of ["a", "b", "c"]) expect(lab.propose(3, text)).toBeUndefined();
    lab.settle();
    for (const id of [1, 2, 3]) expect(lab.member(id).applied).toEqual(["", "a", "b", "c"]);
  });

  test("commands proposed together stand together", () => {
    const lab = new Lab(subject, [1, 2, 3]);
    lab.elect(1);
    const encoder = new TextEncoder();
    lab.node(1).proposeAll(["a", "b"].map((text) => encoder.encode(text)));
    expect(lab.node(1).proposeAll([])).toBeUndefined();
    lab.settle();
    expect(lab.member(3).applied).toEqual(["", "a", "b"]);
  });

  test("status says what each member has", () => {
    const lab = new Lab(subject, [1, 2, 3]);
    lab.elect(1);
    const { role, lead, committed, members } = lab.node(1).status();
    expect({ role, lead, committed }).toEqual({ role: "leader", lead: 1, committed: 2 });
    expect(members.map(({ id, match, state }) => [id, match, state])).toEqual([
      [1, 2, "replicate"],
      [2, 2, "replicate"],
      [3, 2, "replicate"],
    ]);
    expect(lab.node(2).status().members).toEqual([]);
  });

  test("a restart goes on from what is durable", () => {
    const lab = new Lab(subject, [1, 2, 3]);
    lab.elect(1);
    lab.propose(1, "a");
    lab.settle();
    for (const id of [1, 2, 3]) lab.crash(id);
    lab.elect(2);
    expect(lab.member(1).applied).toEqual(["", "a", ""]);
    expect(lab.core(2).term).toBe(2);
  });
});

describe("refusals are values", () => {
  test("a proposal without a leader, or not to be forwarded", () => {
    const lab = new Lab(subject, [1, 2, 3], { forwardProposals: false });
    expect(lab.propose(1, "x")).toBe("no-leader");
    expect(lab.node(1).readIndex(new Uint8Array())).toBe("no-leader");
    expect(lab.node(1).transferLeader(2)).toBe("no-leader");
    lab.elect(1);
    expect(lab.propose(2, "x")).toBe("not-forwarded");
  });

  test("what only a node itself may say, and answers from strangers", () => {
    const lab = new Lab(subject, [1, 2, 3]);
    expect(lab.node(1).step(lab.message("campaign", 2, 1, {}))).toBe("local-message");
    expect(lab.node(1).step(lab.message("append-response", 9, 1, {}))).toBe("unknown-peer");
  });
});

describe("misuse throws", () => {
  test("ready twice, and advance where storage answers by itself", () => {
    const lab = new Lab(subject, [1]);
    lab.node(1).campaign();
    lab.node(1).ready();
    expect(() => lab.node(1).ready()).toThrow(RaftError);
    const other = new Lab(subject, [1], { asyncStorageWrites: true });
    expect(() => other.node(1).advance()).toThrow(/asyncStorageWrites/);
  });

  test("a log that ends before its commit index is not taken up", () => {
    const storage = new MemoryStorage();
    storage.setHardState({ term: 2, vote: 1, commit: 7 });
    expect(() => new RawNode({ ...options(), storage })).toThrow(/commit 7 is past the last entry/);
  });

  test("a heartbeat that commits what this node does not have: its log was lost", () => {
    const lab = new Lab(subject, [1, 2, 3]);
    const step = () => lab.node(2).step(lab.message("heartbeat", 1, 2, { term: 1, commit: 9 }));
    expect(step).toThrow(/was the log lost/);
  });

  test("a change that no configuration follows from changes nothing when it is applied", () => {
    const lab = new Lab(subject, [1]);
    expect(() => lab.node(1).applyConfChange(LEAVE_JOINT)).toThrow(/non-joint/);
    expect(lab.node(1).status().configuration.incoming).toEqual([1]);
    const changes = [{ type: "remove" as const, id: -1 }];
    expect(() => encodeConfChange({ ...LEAVE_JOINT, changes })).toThrow(RangeError);
  });
});

describe("the memory storage", () => {
  test("appends over what is there, keeps what a snapshot covers, refuses a gap", () => {
    const storage = new MemoryStorage();
    storage.append([entry(1, 1), entry(2, 1), entry(3, 1)]);
    storage.append([entry(2, 2)]);
    expect([storage.lastIndex(), storage.term(2), storage.term(3)]).toEqual([2, 2, undefined]);
    expect(() => storage.append([entry(4, 2)])).toThrow(RaftError);
    storage.createSnapshot(2, raft.EMPTY_CONF_STATE, new Uint8Array());
    storage.compact(2);
    expect(storage.entries(2, 3, 100)).toBeUndefined();
    expect(storage.term(2)).toBe(2);
    storage.append([entry(1, 1), entry(2, 2), entry(3, 2)]);
    expect([storage.firstIndex(), storage.lastIndex()]).toEqual([3, 3]);
    expect(() => storage.compact(9)).toThrow(RangeError);
    expect(() => storage.createSnapshot(1, raft.EMPTY_CONF_STATE, new Uint8Array())).toThrow(
      RangeError,
    );
  });

  test("an older snapshot changes nothing, a newer one replaces the log", () => {
    const storage = new MemoryStorage();
    storage.append([entry(1, 1), entry(2, 1)]);
    const confState = { ...raft.EMPTY_CONF_STATE, voters: [1] };
    storage.applySnapshot({ index: 5, term: 2, confState, data: new Uint8Array() });
    storage.applySnapshot({ index: 3, term: 2, confState, data: new Uint8Array() });
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(5)]).toEqual([6, 5, 2]);
  });
});
