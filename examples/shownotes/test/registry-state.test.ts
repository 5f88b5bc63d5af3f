import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LogTime } from "../src/log-time.ts";
import { type RegistryCommand, readCommand } from "../src/registry-commands.ts";
import { decodeAnswer, encodeCommand, RegistryState } from "../src/registry-state.ts";

const run = (state: RegistryState, command: RegistryCommand, atMs = 0) =>
  decodeAnswer(state.apply(encodeCommand(command, atMs)));
const acquire = (holder: string, document = "a", ttlMs = 100): RegistryCommand => {
  return { do: "acquire", document, holder, ttlMs };
};
const renew = (epoch: number, ttlMs = 100): RegistryCommand => {
  return { do: "renew", document: "a", epoch, ttlMs };
};
const release = (epoch: number): RegistryCommand => ({ do: "release", document: "a", epoch });
const pay = (charge: string, seats: number): RegistryCommand => {
  return { do: "pay", workspace: "w", charge, seats };
};
const take = (person: string): RegistryCommand => ({ do: "take", workspace: "w", person });
const free = (person: string): RegistryCommand => ({ do: "free", workspace: "w", person });

describe("a lease", () => {
  test("names its holder, an epoch and an end; who else asks is told who has it", () => {
    const state = new RegistryState();
    const granted = { holder: "ada", epoch: 1, expiresMs: 150 };
    expect(run(state, acquire("ada"), 50)).toEqual({
      ok: true,
      changed: true,
      revision: 1,
      ...granted,
    });
    expect(run(state, acquire("bob"), 60)).toEqual({
      ok: false,
      changed: false,
      revision: 1,
      why: "held",
      ...granted,
    });
    expect(state.lease("a")).toEqual(granted);
    expect(state.lease("b")).toBeUndefined();
  });

  test("can be taken once it has ended, and what comes under the old epoch is refused", () => {
    const state = new RegistryState();
    run(state, acquire("ada"), 0);
    expect(run(state, acquire("bob"), 99)).toMatchObject({ ok: false, why: "held" });
    expect(run(state, acquire("bob"), 100)).toMatchObject({ ok: true, holder: "bob", epoch: 2 });
    for (const stale of [renew(1), release(1)]) {
      expect(run(state, stale, 101)).toMatchObject({ ok: false, why: "stale", epoch: 2 });
    }
    expect(state.lease("a")?.holder).toBe("bob");
  });

  test("that has ended is over, also for its holder and before somebody else has come", () => {
    const state = new RegistryState();
    run(state, acquire("ada"), 0);
    expect(run(state, renew(1), 100)).toMatchObject({ ok: false, why: "stale" });
    expect(state.lease("a")).toBeUndefined();
  });

  test("lasts longer when it is renewed, under the same epoch, and ends when it is released", () => {
    const state = new RegistryState();
    run(state, acquire("ada"), 0);
    expect(run(state, renew(1), 80)).toMatchObject({ ok: true, epoch: 1, expiresMs: 180 });
    expect(run(state, acquire("bob"), 120)).toMatchObject({ why: "held" });
    expect(run(state, release(1), 130)).toMatchObject({ ok: true });
    expect(run(state, acquire("bob"), 130)).toMatchObject({ ok: true, epoch: 4 });
  });

  test("that its holder asks for again has a new epoch, which fences the holder's last life", () => {
    const state = new RegistryState();
    run(state, acquire("ada"), 0);
    expect(run(state, acquire("ada"), 10)).toMatchObject({ ok: true, epoch: 2, expiresMs: 110 });
    expect(run(state, renew(1), 20)).toMatchObject({ ok: false, why: "stale" });
  });

  test("ends by the log's time, which a leader whose clock is behind does not turn back", () => {
    const state = new RegistryState();
    run(state, acquire("ada"), 1_000);
    expect(run(state, acquire("bob"), 10)).toMatchObject({ ok: false });
    expect(state.timeMs).toBe(1_000);
    expect(run(state, acquire("bob", "b"), 10)).toMatchObject({ expiresMs: 1_100 });
  });

  test("beyond the most there may be is refused, unless others have ended", () => {
    const state = new RegistryState();
    for (let n = 0; n < 10_000; n++) run(state, acquire("ada", `d${n}`, n === 0 ? 50 : 100), 0);
    expect(run(state, acquire("ada", "more"), 49)).toMatchObject({ ok: false, why: "full" });
    expect(run(state, acquire("ada", "more"), 50)).toMatchObject({ ok: true, epoch: 10_001 });
    expect(state.stats().leases).toBe(10_000);
    // Forgotten, and still behind all that come.
    expect(run(state, acquire("bob", "d0"), 100)).toMatchObject({ ok: true, epoch: 10_002 });
  });
});

describe("seats", () => {
  test("are as many as were paid for, each charge counted once", () => {
    const state = new RegistryState();
    expect(run(state, take("ada"))).toMatchObject({ ok: false, why: "unpaid", paid: 0 });
    expect(run(state, pay("c1", 2))).toMatchObject({ ok: true, changed: true, paid: 2, taken: 0 });
    expect(run(state, pay("c1", 2))).toMatchObject({ ok: true, changed: false, paid: 2 });
    for (const person of ["ada", "bob"]) expect(run(state, take(person)).ok).toBe(true);
    expect(run(state, take("cyd"))).toMatchObject({ ok: false, why: "unpaid", taken: 2 });
    expect(run(state, take("ada"))).toMatchObject({ ok: true, changed: false, taken: 2 });
    expect(run(state, free("bob"))).toMatchObject({ ok: true, changed: true, taken: 1 });
    expect(run(state, free("bob"))).toMatchObject({ ok: true, changed: false, taken: 1 });
    expect(run(state, take("cyd"))).toMatchObject({ ok: true });
    expect(state.seats("w")).toEqual({ paid: 2, people: ["ada", "cyd"] });
    expect(state.seats("v")).toEqual({ paid: 0, people: [] });
  });

  test("have bounds: charges, and seats, of a workspace", () => {
    const state = new RegistryState();
    for (let n = 0; n < 1_000; n++) run(state, pay(`c${n}`, 1));
    expect(run(state, pay("more", 1))).toMatchObject({ ok: false, why: "full", paid: 1_000 });
    const rich = new RegistryState();
    for (let n = 0; n < 10; n++) run(rich, pay(`c${n}`, 1_000));
    expect(run(rich, pay("more", 1))).toMatchObject({ ok: false, why: "full", paid: 10_000 });
  });
});

const name = fc.constantFrom("a", "b", "c");
const some = fc.integer({ min: 1, max: 12 });
const anyCommand: fc.Arbitrary<RegistryCommand> = fc.oneof(
  fc.record({ do: fc.constant("acquire" as const), document: name, holder: name, ttlMs: some }),
  fc.record({ do: fc.constant("renew" as const), document: name, epoch: some, ttlMs: some }),
  fc.record({ do: fc.constant("release" as const), document: name, epoch: some }),
  fc.record({ do: fc.constant("pay" as const), workspace: name, charge: name, seats: some }),
  fc.record({
    do: fc.constantFrom("take" as const, "free" as const),
    workspace: name,
    person: fc.constantFrom("p", "q", "r", "s"),
  }),
);
const log = fc.array(fc.record({ command: anyCommand, atMs: fc.nat(60) }), { maxLength: 60 });

describe("whatever the log holds", () => {
  test("a workspace is never oversold, and epochs of a document only grow", () => {
    fc.assert(
      fc.property(log, (entries) => {
        const state = new RegistryState();
        const epochs = new Map<string, number>();
        for (const { command, atMs } of entries) {
          const answer = run(state, command, atMs);
          if (answer.taken !== undefined) {
            expect(answer.taken).toBeLessThanOrEqual(answer.paid as number);
          }
          if (command.do !== "acquire" || !answer.ok) continue;
          expect(answer.epoch).toBeGreaterThan(epochs.get(command.document) ?? 0);
          epochs.set(command.document, answer.epoch as number);
        }
      }),
    );
  });

  test("each change has a revision of its own, one above the last", () => {
    fc.assert(
      fc.property(log, (entries) => {
        const state = new RegistryState();
        for (const { command, atMs } of entries) {
          const before = state.revision;
          const { changed, revision } = run(state, command, atMs);
          expect(revision).toBe(changed ? before + 1 : before);
        }
      }),
    );
  });

  test("a state that was restored answers as the one that was not", () => {
    fc.assert(
      fc.property(log, log, (first, then) => {
        const state = new RegistryState();
        for (const { command, atMs } of first) run(state, command, atMs);
        const other = new RegistryState();
        run(other, pay("z", 9), 99);
        other.restore(state.snapshot());
        for (const { command, atMs } of then) {
          expect(run(other, command, atMs)).toEqual(run(state, command, atMs));
        }
        expect(other.snapshot()).toEqual(state.snapshot());
      }),
    );
  });
});

describe("the time that a leader writes", () => {
  test("goes on from the log's, at the pace of its own clock", () => {
    const time = new LogTime();
    expect(time.stamp(1, 500, 9_000)).toBe(500);
    expect(time.stamp(1, 500, 9_070.9)).toBe(570);
    expect(time.stamp(1, 570, 9_100)).toBe(600);
  });

  test("stands still while nobody leads, and for a log that is ahead begins again from there", () => {
    const time = new LogTime();
    time.stamp(1, 500, 9_000);
    expect(time.stamp(3, 520, 12_000)).toBe(520);
    expect(time.stamp(3, 2_000, 12_010)).toBe(2_000);
    expect(time.stamp(3, 2_000, 12_020)).toBe(2_010);
  });
});

describe("a command is read before it is proposed", () => {
  test("what can be read comes out as it went in", () => {
    fc.assert(
      fc.property(anyCommand, (command) => {
        expect(readCommand(command)).toEqual(command);
      }),
    );
  });

  test.each([
    [null, "do must be acquire"],
    [{ do: "dance" }, "got dance"],
    [{ do: "acquire", document: "", holder: "a", ttlMs: 1 }, "document must be 1 to 64"],
    [{ do: "acquire", document: "a", holder: "a b", ttlMs: 1 }, "holder must be 1 to 64"],
    [{ do: "acquire", document: "a", holder: "b", ttlMs: 600_001 }, "ttlMs must be a whole number"],
    [{ do: "release", document: "a", epoch: 0 }, "epoch must be a whole number"],
    [{ do: "pay", workspace: "w", charge: "c", seats: 1.5 }, "seats must be a whole number"],
    [{ do: "take", workspace: "w" }, "person must be 1 to 64"],
  ])("%j is refused: %s", (asked, problem) => {
    expect(() => readCommand(asked)).toThrow(problem);
  });

  test("whatever it is, it is read or refused with a TypeError or RangeError", () => {
    fc.assert(
      fc.property(fc.anything(), (asked) => {
        try {
          readCommand(asked);
        } catch (error) {
          expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
        }
      }),
    );
  });
});
