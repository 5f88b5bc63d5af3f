// What was refused once must not be refused for ever, and a disk that does not write must not fill
// the memory.
import { WriteAheadLog } from "@compendium/raft/wal";
import { expect, test } from "vitest";
import { message } from "../../src/core/message.ts";
import type { PeerReceiver } from "../../src/net/peer-network.ts";
import { engineOf } from "../../src/node/raft-node.ts";
import { Disk } from "../wal/disk.ts";
import { entries, FOLDER, SEGMENT_BYTES, snapshotAt } from "../wal/story.ts";
import { TestGroup } from "./test-group.ts";

test("a log that refused a snapshot's mark for want of space answers what needs no space", async () => {
  const disk = new Disk();
  const { log } = await WriteAheadLog.open({
    files: disk,
    folder: FOLDER,
    segmentBytes: SEGMENT_BYTES,
  });
  // To the brim: not even a mark has room in this segment, nor the next segment on this disk.
  await log.append(entries(1, 10, 1, 100), { term: 1, vote: 0, commit: 0 });
  disk.capacityBytes = SEGMENT_BYTES + 4_000;
  let last = 10;
  for (;;) {
    try {
      await log.append(entries(last + 1, last + 1, 1, 1));
      last++;
    } catch (error) {
      expect(error).toMatchObject({ code: "WAL_FULL" });
      break;
    }
  }
  await expect(log.saveSnapshot(snapshotAt(5, 1, 10))).rejects.toMatchObject({ code: "WAL_FULL" });
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  // An acknowledgement of what is durable already.
  await log.append([]);
  await log.append([], { term: 1, vote: 0, commit: 10 });
  await log.close();
});

test("a member whose disk hangs takes no more messages than there is room for", async () => {
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
  const [slow] = group.others(leader);
  if (slow === undefined) throw new Error("there are three");
  group.simulation.node(slow.name).disk.slowness = 1_000_000;
  await group.commit("hangs there", [leader, ...group.others(leader, slow)]);
  const { writer } = engineOf(slow.node);
  const { term, lastIndex } = leader.node.status();
  for (let at = 0; at < 40_000; at++) {
    const append = message("append", slow.id, leader.id, term);
    append.index = lastIndex;
    append.logTerm = term;
    receivers.get(slow.id)?.receive(append);
  }
  expect(writer.waiting).toBe(16_384);
  group.simulation.node(slow.name).disk.slowness = 1;
});
