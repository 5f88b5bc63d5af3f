// etcd's own vectors of quorum arithmetic, with the cross-checks that its harness makes.
import { describe, expect, test } from "vitest";
import { describeQuorum } from "../../src/quorum/describe.ts";
import { jointCommittedIndex, jointIds, jointVoteResult } from "../../src/quorum/joint.ts";
import { type Acknowledged, committedIndex, voteResult } from "../../src/quorum/majority.ts";
import {
  type Directive,
  filesOf,
  normalize,
  readDirectives,
  requireVectors,
  valuesOf,
} from "./datadriven.ts";

const files = filesOf("quorum");

test("etcd's quorum vectors are here", (context) => {
  requireVectors(context);
  expect(files.length).toBeGreaterThanOrEqual(4);
});

describe.each(files)("%s", (file) => {
  const directives = readDirectives("quorum", file).map((each) => [each.line, each] as const);
  test.each(directives)("line %i", (_, directive) => {
    expect(normalize(run(directive))).toBe(normalize(directive.expected));
  });
});

function run({ command, args }: Directive): string {
  const incoming = ids(valuesOf(args, "cfg") ?? []);
  const named = valuesOf(args, "cfgj");
  const outgoing = ids(named?.[0] === "zero" ? [] : (named ?? []));
  const words = valuesOf(args, command === "vote" ? "votes" : "idx") ?? [];
  const order = [...new Set([...incoming, ...outgoing])];
  const known = new Map<number, string>();
  for (const [position, id] of order.entries()) {
    const word = words[position];
    if (word !== undefined && word !== "_") known.set(id, word);
  }
  const joint = { incoming, outgoing };
  if (words.length !== jointIds(joint).length) return "error: mismatched input";
  const swapped = { incoming: outgoing, outgoing: incoming };
  if (command === "vote") {
    const votes = new Map([...known].map(([id, word]) => [id, word === "y"]));
    const result =
      named === undefined ? voteResult(incoming, votes) : jointVoteResult(joint, votes);
    expect(jointVoteResult(joint, votes), "joint with nothing or as given").toBe(result);
    expect(jointVoteResult(swapped, votes), "symmetry").toBe(result);
    return `Vote${result[0]?.toUpperCase()}${result.slice(1)}`;
  }
  const acked: Acknowledged = {
    acked: (id) => (known.has(id) ? Number(known.get(id)) : undefined),
  };
  const index = jointCommittedIndex(joint, acked);
  expect(jointCommittedIndex(swapped, acked), "symmetry").toBe(index);
  if (named === undefined) {
    expect(committedIndex(incoming, acked), "without a joint").toBe(index);
    expect(byCounting(incoming, acked), "by counting").toBe(index);
    expect(jointCommittedIndex({ incoming, outgoing: incoming }, acked), "with itself").toBe(index);
    expectLowerToChangeNothing(incoming, acked, index);
  }
  const shown = index === Number.POSITIVE_INFINITY ? "∞" : String(index);
  return `${describeQuorum(joint, acked)}${shown}\n`;
}

const ids = (values: readonly string[]): number[] =>
  [...new Set(values.map(Number))].sort((a, b) => a - b);

// Straight from the definition: the highest index that enough voters have reached.
function byCounting(voters: readonly number[], { acked }: Acknowledged): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const reached = voters.map((id) => acked(id) ?? 0);
  const enough = (index: number) =>
    reached.filter((each) => each >= index).length > voters.length / 2;
  return Math.max(0, ...reached.filter(enough));
}

// Whoever is behind what is committed does not hold it up, and so cannot by falling further back.
function expectLowerToChangeNothing(
  voters: readonly number[],
  acknowledged: Acknowledged,
  index: number,
): void {
  for (const id of voters) {
    const own = acknowledged.acked(id) ?? 0;
    if (own === 0 || own >= index) continue;
    for (const lower of [own - 1, 0]) {
      const lowered = { acked: (each: number) => (each === id ? lower : acknowledged.acked(each)) };
      expect(committedIndex(voters, lowered), `${id} at ${lower}`).toBe(index);
    }
  }
}
