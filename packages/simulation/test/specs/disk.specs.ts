import assert from "node:assert/strict";
import type { Files } from "@compendium/runtime";
import type { DiskOptions, Fault, World } from "@compendium/simulation";
import { codeOf, type Package, runNodes, type Specs, wait } from "./subject.ts";

const SECTOR = 512;
const SEEDS = 40;

async function contents(files: Files, path: string): Promise<Uint8Array> {
  const file = await files.open(path);
  const into = new Uint8Array(await file.size());
  await file.read(into, 0);
  return into;
}

const filled = (bytes: number, value: number): Uint8Array => new Uint8Array(bytes).fill(value);

const crashAt = (how: "kill" | "power", atUs: number): Fault => {
  return { kind: "crash", node: "a", how, atUs, downUs: 1_000 };
};

/** What the second life finds, over many seeds. The first is cut off after a second. */
async function afterCrash<T>(
  subject: Package,
  how: "kill" | "power",
  first: (world: World) => Promise<void>,
  second: (world: World) => Promise<T>,
  { disk = {}, faults = [] }: { disk?: DiskOptions; faults?: readonly Fault[] } = {},
): Promise<T[]> {
  const found: T[] = [];
  const a = async (world: World): Promise<void> => {
    if (world.incarnation === 0) await first(world);
    else found.push(await second(world));
  };
  for (let seed = 0; seed < SEEDS; seed++) {
    await runNodes(subject, { a }, { seed, disk, faults: [...faults, crashAt(how, 1_000_000)] });
  }
  assert.equal(found.length, SEEDS, "each second life comes to its end");
  return found;
}

async function syncedFile({ files }: World, bytes: Uint8Array) {
  const file = await files.open("log", { create: "always" });
  await file.write(bytes, 0);
  await file.sync();
  await files.syncFolder("");
  return file;
}

/** What each sector holds, as one letter, where it is the same throughout; or "torn". */
function sectors(bytes: Uint8Array): string {
  const letters: string[] = [];
  for (let at = 0; at < bytes.length; at += SECTOR) {
    const values = new Set(bytes.subarray(at, at + SECTOR));
    letters.push(values.size === 1 ? String([...values][0]) : "torn");
  }
  return letters.join("");
}

const durability: Specs = {
  "what was synced is never lost": async (subject) => {
    const found = await afterCrash(
      subject,
      "power",
      async (world) => {
        const file = await syncedFile(world, filled(4 * SECTOR, 1));
        await file.write(filled(SECTOR, 2), SECTOR);
        await file.sync();
      },
      async ({ files }) => sectors(await contents(files, "log")),
    );
    assert.deepEqual([...new Set(found)], ["1211"]);
  },

  "unsynced sectors are each kept or lost by a power cut, whole": async (subject) => {
    const found = await afterCrash(
      subject,
      "power",
      async (world) => {
        const file = await syncedFile(world, filled(4 * SECTOR, 1));
        await file.write(filled(2 * SECTOR, 2), SECTOR);
      },
      async ({ files }) => sectors(await contents(files, "log")),
    );
    assert.deepEqual([...new Set(found)].sort(), ["1111", "1121", "1211", "1221"]);
  },

  "what was written survives a kill, and what was under way may be torn": async (subject) => {
    const found = await afterCrash(
      subject,
      "kill",
      async (world) => {
        const file = await syncedFile(world, filled(4 * SECTOR, 1));
        await file.write(filled(SECTOR, 2), 0);
        await wait(world, 1_000 - (world.clock.now() % 1));
      },
      async ({ files }) => sectors(await contents(files, "log")),
    );
    assert.deepEqual([...new Set(found)], ["2111"]);
    const slow = { writeUs: [2_000_000, 2_000_000] as const };
    const underWay = await afterCrash(
      subject,
      "kill",
      async ({ files }) => {
        const file = await files.open("log", { create: "always" });
        await file.write(filled(2 * SECTOR, 2), 0);
      },
      async ({ files }) => sectors(await contents(files, "log")),
      { disk: slow },
    );
    assert.deepEqual([...new Set(underWay)].sort(), ["", "02", "2", "22"]);
  },

  "a sync covers what had settled when it was called, and nothing later": async (subject) => {
    const underWay = async (world: World): Promise<void> => {
      const file = await syncedFile(world, filled(2 * SECTOR, 1));
      await Promise.all([file.write(filled(SECTOR, 2), 0), file.sync()]);
    };
    const later = async (world: World): Promise<void> => {
      const file = await syncedFile(world, filled(2 * SECTOR, 1));
      await Promise.all([file.sync(), file.write(filled(SECTOR, 2), 0)]);
    };
    for (const first of [underWay, later]) {
      const second = async ({ files }: World) => sectors(await contents(files, "log"));
      const found = await afterCrash(subject, "power", first, second);
      assert.deepEqual([...new Set(found)].sort(), ["11", "21"]);
    }
  },

  "what a killed process has written is durable once the next one syncs": async (subject) => {
    const found = new Set<string>();
    const a = async (world: World): Promise<void> => {
      if (world.incarnation === 0) {
        const file = await syncedFile(world, filled(4 * SECTOR, 1));
        await file.write(filled(4 * SECTOR, 2), 0);
      } else if (world.incarnation === 1) {
        await (await world.files.open("log")).sync();
      } else found.add(sectors(await contents(world.files, "log")));
    };
    const faults = [crashAt("kill", 1_000_000), crashAt("power", 2_000_000)];
    for (let seed = 0; seed < SEEDS; seed++) await runNodes(subject, { a }, { seed, faults });
    assert.deepEqual([...found], ["2222"]);
  },
};

const names: Specs = {
  "a name is durable after its folder's sync, and may be lost before": async (subject) => {
    const found = await afterCrash(
      subject,
      "power",
      async ({ files }) => {
        await files.makeFolder("wal");
        await files.open("wal/kept", { create: "always" });
        await files.syncFolder("wal");
        await files.syncFolder("");
        await files.open("wal/new", { create: "always" });
      },
      async ({ files }) => (await files.list("wal")).join(),
    );
    assert.deepEqual([...new Set(found)].sort(), ["kept", "kept,new"]);
  },

  "a rename leaves the old or the new, never neither and never both": async (subject) => {
    const found = await afterCrash(
      subject,
      "power",
      async ({ files }) => {
        const old = await files.open("current", { create: "always" });
        await old.write(filled(1, 1), 0);
        await old.sync();
        await files.syncFolder("");
        const next = await files.open("next", { create: "always" });
        await next.write(filled(1, 2), 0);
        await next.sync();
        await files.rename("next", "current");
      },
      async ({ files }) => {
        const current = (await contents(files, "current"))[0];
        return `${current} of ${(await files.list("")).join()}`;
      },
    );
    const possible = ["1 of current", "1 of current,next", "2 of current"];
    assert.deepEqual([...new Set(found)].sort(), possible);
  },

  "a change that builds on a durable one's ground is not found without it": async (subject) => {
    const found = await afterCrash(
      subject,
      "power",
      async ({ files }) => {
        await files.makeFolder("one/two");
        const file = await files.open("one/two/log", { create: "always" });
        await file.sync();
        await files.syncFolder("one/two");
      },
      async ({ files }) => {
        const one = await files.list("");
        return one.length === 0 ? "" : `one/${(await files.list("one")).join()}`;
      },
    );
    assert.deepEqual([...new Set(found)], ["one/two"]);
  },
};

const syncFails: Fault = { kind: "syncFails", node: "a", atUs: 500_000, forUs: 0 };

const troubles: Specs = {
  "after a failed sync the handle refuses, and no later sync makes up for it": async (subject) => {
    const shown = new Set<string>();
    const found = await afterCrash(
      subject,
      "power",
      async (world) => {
        const file = await syncedFile(world, filled(SECTOR, 1));
        await wait(world, 600);
        await file.write(filled(SECTOR, 2), 0);
        assert.equal(await codeOf(file.sync()), "FILE_SYNC_FAILED");
        assert.equal(await codeOf(file.write(filled(1, 3), 0)), "FILE_SYNC_FAILED");
        assert.equal(await codeOf(file.size()), "FILE_SYNC_FAILED");
        const again = await world.files.open("log");
        await again.sync();
        shown.add(sectors(await contents(world.files, "log")));
      },
      async ({ files }) => sectors(await contents(files, "log")),
      { faults: [syncFails] },
    );
    assert.deepEqual([...new Set(found)].sort(), ["1", "2"]);
    assert.deepEqual([...shown].sort(), ["1", "2"]);
  },

  "syncFailureShows decides what is read after a failed sync": async (subject) => {
    for (const [syncFailureShows, letter] of [
      ["old", "1"],
      ["new", "2"],
    ] as const) {
      const read: string[] = [];
      const durable: string[] = await afterCrash(
        subject,
        "power",
        async (world) => {
          const file = await syncedFile(world, filled(SECTOR, 1));
          await wait(world, 600);
          await file.write(filled(SECTOR, 2), 0);
          await file.sync().catch(() => {});
          read.push(sectors(await contents(world.files, "log")));
        },
        async ({ files }) => sectors(await contents(files, "log")),
        { faults: [syncFails], disk: { syncFailureShows } },
      );
      // What had reached the platter is shown in either case.
      const expected = durable.map((on) => (letter === "2" ? "2" : on));
      assert.deepEqual(read, expected);
    }
  },

  "a full disk refuses what needs space, and nothing that has it": async (subject) => {
    let done = false;
    const a = async (world: World): Promise<void> => {
      const file = await syncedFile(world, filled(SECTOR, 1));
      await file.allocate(4 * SECTOR);
      await wait(world, 600);
      await file.write(filled(4 * SECTOR, 2), 0);
      assert.equal(await codeOf(file.write(filled(SECTOR, 2), 4 * SECTOR)), "DISK_FULL");
      assert.equal(await codeOf(file.allocate(5 * SECTOR)), "DISK_FULL");
      const other = world.files.open("other", { create: "always" });
      assert.equal(await codeOf(other), "DISK_FULL");
      await wait(world, 1_000);
      await file.write(filled(SECTOR, 2), 4 * SECTOR);
      done = true;
    };
    const full: Fault = { kind: "diskFull", node: "a", atUs: 500_000, forUs: 1_000_000 };
    await runNodes(subject, { a }, { faults: [full] });
    assert.ok(done);
  },

  "a disk with a capacity is full at it, and has room again after a removal": async (subject) => {
    let done = false;
    const a = async ({ files }: World): Promise<void> => {
      const one = await files.open("one", { create: "always" });
      await one.write(filled(3 * SECTOR, 1), 0);
      const two = await files.open("two", { create: "always" });
      assert.equal(await codeOf(two.write(filled(2 * SECTOR, 1), 0)), "DISK_FULL");
      await files.remove("one");
      await two.write(filled(2 * SECTOR, 1), 0);
      done = true;
    };
    await runNodes(subject, { a }, { disk: { capacityBytes: 4 * SECTOR } });
    assert.ok(done);
  },

  "a write that fails says so, and may have happened in part": async (subject) => {
    const seen = new Set<string>();
    const a = async (world: World): Promise<void> => {
      const file = await syncedFile(world, filled(2 * SECTOR, 1));
      await wait(world, 600);
      assert.equal(await codeOf(file.write(filled(2 * SECTOR, 2), 0)), "DISK_IO");
      seen.add(sectors(await contents(world.files, "log")));
      await file.write(filled(2 * SECTOR, 3), 0);
    };
    const faults: Fault[] = [{ kind: "writeFails", node: "a", atUs: 500_000, forUs: 0 }];
    for (let seed = 0; seed < SEEDS; seed++) await runNodes(subject, { a }, { seed, faults });
    assert.deepEqual([...seen].sort(), ["11", "12", "21", "22"]);
  },

  "rot flips one bit, on the platter too": async (subject) => {
    const rot: Fault = { kind: "bitRot", node: "a", draw: 8 * 700 + 3, atUs: 500_000 };
    const found = await afterCrash(
      subject,
      "power",
      async (world) => {
        await syncedFile(world, filled(2 * SECTOR, 1));
      },
      async ({ files }) => {
        const bytes = await contents(files, "log");
        return [...bytes.entries()].filter(([, byte]) => byte !== 1).join(";");
      },
      { faults: [rot] },
    );
    assert.deepEqual([...new Set(found)], [`700,${1 ^ (1 << 3)}`]);
  },

  "a lost disk is an empty one": async (subject) => {
    const found: string[][] = [];
    const a = async (world: World): Promise<void> => {
      if (world.incarnation === 0) await syncedFile(world, filled(1, 1));
      else found.push(await world.files.list(""));
    };
    const lost: Fault = { kind: "crash", node: "a", how: "diskLost", atUs: 500_000, downUs: 1 };
    await runNodes(subject, { a }, { faults: [lost] });
    assert.deepEqual(found, [[]]);
  },
};

export const diskSpecs: Specs = { ...durability, ...names, ...troubles };
