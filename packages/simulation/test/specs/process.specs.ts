import assert from "node:assert/strict";
import type { CrashKind, Fault, World } from "@compendium/simulation";
import { type Package, run, runNodes, type Specs, wait } from "./subject.ts";

const MOMENTS = ["before", "during", "after"] as const;

/** Appends numbers to a log, each synced before it is recorded; a later life reads them. */
async function appender({ files, record }: World): Promise<void> {
  const log = await files.open("log", { create: "ifMissing" });
  await files.syncFolder("");
  const size = await log.size();
  const bytes = new Uint8Array(size);
  await log.read(bytes, 0);
  record("found", [...bytes]);
  for (let number = size + 1; number <= 4; number++) {
    await log.write(Uint8Array.of(number), number - 1);
    await log.sync();
    record("stored", number);
  }
}

/** Whether every life finds what an earlier one has stored. */
async function crashAt(
  subject: Package,
  effect: number,
  moment: "before" | "during" | "after",
  how: CrashKind,
): Promise<{ crashed: boolean; found: number[][] }> {
  let stored = 0;
  let starts = 0;
  const found: number[][] = [];
  const fault: Fault = { kind: "crashAtEffect", node: "a", effect, moment, how, downUs: 1_000 };
  await run(subject, {
    start: (world) => {
      starts++;
      return appender(world);
    },
    faults: [fault],
    onObservation: ({ event, data }) => {
      if (event === "stored") stored = data as number;
      else {
        const numbers = data as number[];
        found.push(numbers);
        assert.ok(numbers.length >= stored, `${stored} were stored, found ${numbers}`);
        stored = numbers.length;
      }
    },
  });
  assert.equal(stored, 4, "the last life comes to its end");
  return { crashed: starts === 2, found };
}

const crashes: Specs = {
  "a crash at every effect, at every moment, loses nothing that was synced": async (subject) => {
    let effect = 0;
    for (let crashed = true; crashed; effect++) {
      for (const moment of MOMENTS) {
        for (const how of ["kill", "power"] as const) {
          crashed = (await crashAt(subject, effect, moment, how)).crashed;
        }
      }
    }
    // open, syncFolder, size, read, and four times write and sync; then one that never comes.
    assert.equal(effect, 13);
  },

  "before: the effect never happens; after: it has happened": async (subject) => {
    const write = 4;
    const before = await crashAt(subject, write, "before", "kill");
    assert.deepEqual(before.found, [[], []]);
    const after = await crashAt(subject, write, "after", "kill");
    assert.deepEqual(after.found, [[], [1]]);
    const synced = await crashAt(subject, write + 1, "after", "power");
    assert.deepEqual(synced.found, [[], [1]]);
  },

  "a message is sent before a crash that follows it, and not after one that precedes": async (
    subject,
  ) => {
    for (const [moment, expected] of [
      ["before", 0],
      ["during", 1],
      ["after", 1],
    ] as const) {
      let received = 0;
      const a = ({ incarnation, datagrams }: World): void => {
        if (incarnation === 0) datagrams.send("b", "hello");
      };
      const b = ({ datagrams }: World): void => datagrams.receive(() => received++);
      const crash = { kind: "crashAtEffect", node: "a", effect: 0, moment } as const;
      await runNodes(subject, { a, b }, { faults: [{ ...crash, how: "kill", downUs: 1_000 }] });
      assert.equal(received, expected);
    }
  },
};

const ghosts: Specs = {
  "a ghost reaches nobody: no timer, message, write or record of it has an effect": async (
    subject,
  ) => {
    const seen: unknown[] = [];
    let waited = "";
    const a = async (world: World): Promise<void> => {
      if (world.incarnation > 0) {
        world.record("files", await world.files.list(""));
        return;
      }
      const log = await world.files.open("log", { create: "always" });
      const cut = log.write(Uint8Array.of(1), 0);
      void cut.then(
        () => {
          waited = "settled";
        },
        () => {
          waited = "rejected";
        },
      );
      // The crash was inside of `write`; from here on nothing is real.
      world.record("ghost");
      world.expose("ghost");
      world.datagrams.send("b", "ghost");
      world.clock.setTimer(0, () => seen.push("timer"));
      world.exit("ghost");
      void world.transport.connect("b").then(() => seen.push("connected"));
      void world.files.open("ghost", { create: "always" }).then(() => seen.push("opened"));
      await world.files.remove("log");
      seen.push("removed");
    };
    const b = async (world: World): Promise<void> => {
      world.datagrams.receive((message) => seen.push(message));
      await world.transport.listen("b", () => seen.push("link"));
    };
    const simulation = await runNodes(
      subject,
      { a, b },
      {
        faults: [
          { kind: "crashAtEffect", node: "a", effect: 1, moment: "during", how: "kill", downUs: 1 },
        ],
        onObservation: ({ event, data }) => seen.push([event, data]),
      },
    );
    assert.deepEqual(seen, [["files", ["log"]]]);
    assert.equal(waited, "");
    assert.equal(simulation.exposed("a"), undefined);
  },

  "a ghost that lingers does not end the life that follows": async (subject) => {
    const starts: number[] = [];
    const outside = Promise.withResolvers<void>();
    const a = async (world: World): Promise<void> => {
      starts.push(world.incarnation);
      if (world.incarnation === 1) outside.resolve();
      await outside.promise;
      if (world.incarnation === 0) world.exit("ghost");
    };
    const crash = { kind: "crash", node: "a", how: "kill", atUs: 1_000, downUs: 1_000 } as const;
    await runNodes(subject, { a }, { faults: [crash] });
    assert.deepEqual(starts, [0, 1]);
  },

  "timers and messages of a life end with it": async (subject) => {
    const seen: string[] = [];
    const a = (world: World): void => {
      const { incarnation, clock } = world;
      world.datagrams.receive((message) => seen.push(`${incarnation} heard ${message}`));
      if (incarnation === 0) clock.setTimer(clock.now() + 200, () => seen.push("timer"));
    };
    const b = async (world: World): Promise<void> => {
      await wait(world, 150);
      world.datagrams.send("a", "early");
      await wait(world, 200);
      world.datagrams.send("a", "late");
    };
    const crash = {
      kind: "crash",
      node: "a",
      how: "kill",
      atUs: 100_000,
      downUs: 100_000,
    } as const;
    await runNodes(subject, { a, b }, { faults: [crash] });
    assert.deepEqual(seen, ["1 heard late"]);
  },

  "who ends itself is started again": async (subject) => {
    const starts: number[] = [];
    const a = (world: World): void => {
      starts.push(world.incarnation);
      if (world.incarnation < 2) world.exit("again");
    };
    await runNodes(subject, { a });
    assert.deepEqual(starts, [0, 1, 2]);
  },
};

const errors: Specs = {
  "what a node throws ends the run, wherever it is thrown": async (subject) => {
    const broken: ((world: World) => void | Promise<void>)[] = [
      () => {
        throw new Error("broken");
      },
      async (world) => {
        await wait(world, 10);
        throw new Error("broken");
      },
      ({ clock }) => {
        clock.setTimer(clock.now() + 10, () => {
          throw new Error("broken");
        });
      },
    ];
    for (const a of broken) await assert.rejects(runNodes(subject, { a }), /^Error: broken$/);
  },

  "two timers that set each other for now end in an error, not a hang": async (subject) => {
    const a = ({ clock }: World): void => {
      const again = (): void => {
        clock.setTimer(0, again);
      };
      again();
    };
    await assert.rejects(runNodes(subject, { a }), /and time does not move/);
    const busy = ({ clock }: World): void => {
      const again = (): void => {
        clock.setTimer(clock.now() + 1, again);
      };
      again();
    };
    await assert.rejects(
      runNodes(subject, { a: busy }, { eventsMax: 1_000 }),
      /no rest after 1000/,
    );
  },
};

export const processSpecs: Specs = { ...crashes, ...ghosts, ...errors };
