// etcd's own vectors of configuration changes: which follow from which, and what becomes of the
// members' progress. The last index rises by one with every directive, so that `next` tells when a
// progress was made.

import type { Change } from "@compendium/raft";
import { describe, expect, test } from "vitest";
import { enterJoint, leaveJoint, type Membership, simple } from "../../src/confchange/changer.ts";
import { describeConfiguration } from "../../src/tracker/configuration.ts";
import { Tracker } from "../../src/tracker/tracker.ts";
import { parseChanges } from "./changes.ts";
import {
  type Directive,
  filesOf,
  normalize,
  readDirectives,
  requireVectors,
  valuesOf,
} from "./datadriven.ts";
import { describeMembers } from "./describe.ts";

const files = filesOf("confchange");

test("etcd's vectors of configuration changes are here", (context) => {
  requireVectors(context);
  expect(files.length).toBeGreaterThanOrEqual(9);
});

describe.each(files)("%s", (file) => {
  const tracker = new Tracker(10, Number.POSITIVE_INFINITY);
  const directives = readDirectives("confchange", file);
  test.each(directives.map((each, index) => [each.line, each, index] as const))(
    "line %i",
    (_, directive, index) => {
      expect(normalize(run(tracker, directive, index))).toBe(normalize(directive.expected));
    },
  );
});

function run(tracker: Tracker, directive: Directive, lastIndex: number): string {
  const changes = parseChanges(directive.input);
  try {
    const { configuration, members } = work(tracker, directive, lastIndex, changes);
    tracker.switchTo(configuration, members);
  } catch (error) {
    return (error as Error).message;
  }
  const { configuration, members } = tracker;
  return `${describeConfiguration(configuration)}\n${describeMembers(members)}`;
}

function work(
  tracker: Tracker,
  { command, args }: Directive,
  lastIndex: number,
  changes: readonly Change[],
): Membership {
  switch (command) {
    case "simple":
      return simple(tracker, lastIndex, changes);
    case "enter-joint": {
      const autoLeave = valuesOf(args, "autoleave")?.[0] === "true";
      return enterJoint(tracker, lastIndex, autoLeave, changes);
    }
    case "leave-joint":
      return leaveJoint(tracker, lastIndex);
    default:
      throw new Error(`unknown command ${command}`);
  }
}
