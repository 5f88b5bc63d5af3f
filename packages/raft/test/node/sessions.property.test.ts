// Sessions beside a model: lists that are searched from one end to the other.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Sessions, UNACKNOWLEDGED_MAX } from "../../src/node/sessions.ts";

interface ModelSession {
  readonly id: number;
  acknowledged: number;
  answers: { sequence: number; result: string }[];
}

// In the order of last use.
class Model {
  sessions: ModelSession[] = [];

  open(id: number, sessionsMax: number): void {
    this.sessions.push({ id, acknowledged: 0, answers: [] });
    while (this.sessions.length > Math.max(1, sessionsMax)) this.sessions.shift();
  }

  // What is answered, and whether the command is carried out.
  apply(id: number, sequence: number, acknowledged: number, next: string): [string, boolean] {
    const session = this.sessions.find((each) => each.id === id);
    if (session === undefined) return ["expired", false];
    this.sessions = [...this.sessions.filter((each) => each !== session), session];
    session.acknowledged = Math.max(session.acknowledged, acknowledged);
    session.answers = session.answers.filter((each) => each.sequence > session.acknowledged);
    if (sequence <= session.acknowledged) return ["sequence", false];
    const known = session.answers.find((each) => each.sequence === sequence);
    if (known !== undefined) return [known.result, false];
    session.answers.push({ sequence, result: next });
    return [next, true];
  }
}

const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ sessionsMax: fc.nat(4) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      session: fc.nat(8),
      sequence: fc.integer({ min: 1, max: 6 }),
      acknowledged: fc.nat(6),
    }),
  },
  { weight: 1, arbitrary: fc.constant("restore" as const) },
);

const text = new TextDecoder();
const utf8 = new TextEncoder();

test("every answer is the model's, also after all went through a snapshot", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let sessions = new Sessions();
      const model = new Model();
      let opened = 0;
      let runs = 0;
      for (const each of steps) {
        if (each === "restore") {
          const restored = new Sessions();
          restored.open(999, 10);
          restored.restore(structuredClone([...sessions.stored()]));
          sessions = restored;
        } else if ("sessionsMax" in each) {
          opened++;
          sessions.open(opened, each.sessionsMax);
          model.open(opened, each.sessionsMax);
        } else {
          const { session, sequence, acknowledged } = each;
          const before = runs;
          const answer = sessions.apply(session, { sequence, acknowledged }, () =>
            utf8.encode(`run ${++runs}`),
          );
          const [expected, isRun] = model.apply(
            session,
            sequence,
            acknowledged,
            `run ${before + 1}`,
          );
          expect(answer.kind === "done" ? text.decode(answer.result) : answer.kind).toBe(expected);
          expect(runs - before).toBe(isRun ? 1 : 0);
          if (answer.kind === "done") expect(answer.repeated).toBe(!isRun);
        }
        expect([...sessions.stored()].map(({ id }) => id)).toEqual(
          model.sessions.map(({ id }) => id),
        );
        expect(sessions.size).toBe(model.sessions.length);
      }
    }),
  );
});

test("no session keeps more answers than it may, whatever its client acknowledges", () => {
  const sessions = new Sessions();
  sessions.open(1, 1);
  for (let sequence = 1; sequence <= UNACKNOWLEDGED_MAX + 10; sequence++) {
    const answer = sessions.apply(1, { sequence, acknowledged: 0 }, () => utf8.encode("x"));
    expect(answer.kind).toBe(sequence <= UNACKNOWLEDGED_MAX ? "done" : "sequence");
  }
  // A repeat is answered all the same.
  const repeat = sessions.apply(1, { sequence: 1, acknowledged: 0 }, () => utf8.encode("y"));
  expect(repeat).toEqual({ kind: "done", result: utf8.encode("x"), repeated: true });
});
