import {
  type ConfState,
  EMPTY_CONF_STATE,
  type Entry,
  encodeConfChange,
  RaftError,
} from "@compendium/raft";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Envelope, encodeChangeContext, encodeEnvelope } from "../../src/node/envelope.ts";
import { ReplicatedState } from "../../src/node/replicated-state.ts";
import { command, Ledger } from "./ledger.ts";

const small = fc.integer({ min: 1, max: 6 });
const by = { proposer: fc.constant(7), number: fc.nat(1_000) };
const line = fc.string({ maxLength: 10 }).map(command);
const envelope: fc.Arbitrary<Envelope> = fc.oneof(
  fc.record({ kind: fc.constant("command" as const), ...by, command: line }),
  fc.record({
    kind: fc.constant("session" as const),
    ...by,
    session: fc.nat(20),
    sequence: small,
    acknowledged: fc.nat(3),
    command: line,
  }),
  fc.record({ kind: fc.constant("open" as const), ...by, sessionsMax: small }),
  fc.record({ kind: fc.constant("bind" as const), member: small, diskId: fc.maxSafeNat() }),
);
const change = fc.record({ voters: fc.uniqueArray(small, { minLength: 1 }), address: fc.string() });
const step = fc.oneof({ weight: 6, arbitrary: envelope }, { weight: 1, arbitrary: change });
const steps = fc.array(step, { maxLength: 60 });
type Step = Envelope | { voters: number[]; address: string };

function begin(): [ReplicatedState, Ledger] {
  const ledger = new Ledger();
  return [new ReplicatedState(ledger, EMPTY_CONF_STATE), ledger];
}

function apply(state: ReplicatedState, given: Step): unknown {
  const index = state.index + 1;
  if ("kind" in given) {
    const entry: Entry = { index, term: 1, type: "normal", data: encodeEnvelope(given) };
    return state.apply(entry, () => EMPTY_CONF_STATE);
  }
  const { voters, address } = given;
  const addresses = new Map(voters.map((id) => [id, address]));
  const context = encodeChangeContext({ proposer: 7, number: 1, addresses });
  const data = encodeConfChange({ transition: "auto", changes: [], context });
  const confState: ConfState = { ...EMPTY_CONF_STATE, voters };
  return state.apply({ index, term: 1, type: "conf-change", data }, () => confState);
}

function restore(state: ReplicatedState, data: Uint8Array, like: ReplicatedState): void {
  const { index, term, confState } = like;
  state.restore(data, { index, term, confState });
}

test("a state that was restored is the one that was encoded, and goes on like it", () => {
  fc.assert(
    fc.property(steps, steps, steps, (first, other, after) => {
      const [one, oneLedger] = begin();
      for (const each of first) apply(one, each);
      const data = one.encode();
      // Whatever the other has been through is gone.
      const [two, twoLedger] = begin();
      for (const each of other) apply(two, each);
      restore(two, data, one);
      expect(two.encode()).toEqual(data);
      expect([...two.members]).toEqual([...one.members]);
      for (const each of after) expect(apply(two, each)).toEqual(apply(one, each));
      expect(two.encode()).toEqual(one.encode());
      expect(twoLedger.lines).toEqual(oneLedger.lines);
      expect([two.index, two.term, two.confState]).toEqual([one.index, one.term, one.confState]);
    }),
  );
});

test("a snapshot that is cut off is refused, with nothing changed", () => {
  fc.assert(
    fc.property(steps, steps, fc.nat(), (first, other, draw) => {
      const [one] = begin();
      for (const each of first) apply(one, each);
      const [two, ledger] = begin();
      for (const each of other) apply(two, each);
      const before = two.encode();
      const lines = [...ledger.lines];
      const data = one.encode();
      const part = data.subarray(0, draw % data.length);
      // The end of it belongs to the application, which refuses what is no list.
      expect(() => restore(two, part, one)).toThrow();
      expect(two.encode()).toEqual(before);
      expect(ledger.lines).toEqual(lines);
    }),
  );
});

test("any bytes are a snapshot or are refused, with nothing changed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
      const refusing = {
        apply: () => new Uint8Array(0),
        snapshot: () => new Uint8Array(0),
        restore: () => {},
      };
      const state = new ReplicatedState(refusing, EMPTY_CONF_STATE);
      const before = state.encode();
      try {
        state.restore(data, { index: 9, term: 2, confState: EMPTY_CONF_STATE });
        expect(state.index).toBe(9);
      } catch (error) {
        expect(error).toBeInstanceOf(RaftError);
        expect(error).toMatchObject({ code: "RAFT_MALFORMED" });
        expect(state.encode()).toEqual(before);
        expect(state.index).toBe(0);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("an entry is applied once, in its order, or not at all", () => {
  const [state, ledger] = begin();
  const data = encodeEnvelope({ kind: "command", proposer: 1, number: 1, command: command("x") });
  const entry = (index: number): Entry => ({ index, term: 1, type: "normal", data });
  const take = (index: number) => state.apply(entry(index), () => EMPTY_CONF_STATE);
  take(1);
  for (const index of [0, 1, 3]) {
    expect(() => take(index)).toThrow(`entry ${index} comes after 1`);
  }
  take(2);
  expect(ledger.lines.map(({ index }) => index)).toEqual([1, 2]);
});

test("a member's first disk is its disk; a removed member's id is kept for ever", () => {
  const [state] = begin();
  apply(state, { voters: [1, 2, 3], address: "a" });
  apply(state, { kind: "bind", member: 2, diskId: 22 });
  expect(apply(state, { kind: "bind", member: 2, diskId: 23 })).toEqual({ kind: "nothing" });
  expect(apply(state, { kind: "bind", member: 9, diskId: 99 })).toEqual({ kind: "nothing" });
  apply(state, { voters: [1, 2], address: "b" });
  expect(state.members).toEqual(
    new Map([
      [1, { address: "b", diskId: 0 }],
      [2, { address: "b", diskId: 22 }],
    ]),
  );
  expect([...state.removed]).toEqual([3]);
});
