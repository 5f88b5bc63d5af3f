import { ManualClock, SeededRandom } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { type Ask, RegistryClient, type RegistryRequest } from "../src/registry-client.ts";
import type { Reply } from "../src/registry-member.ts";

const clock = () => new ManualClock();
const refused = (
  code: string,
  leader = 0,
  outcome: "not-executed" | "unknown" = "not-executed",
) => ({
  refusal: { code, outcome, leader, message: "no" },
});
const silence: Ask = (_member, _request, signal) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("silence")), { once: true });
  });

// Members that answer as they are told, and what they were asked.
class Members {
  readonly asked: [number, RegistryRequest][] = [];
  readonly clock: ManualClock = clock();
  readonly client: RegistryClient;
  answers: (member: number, request: RegistryRequest) => Reply<unknown> | "silence";

  constructor(answers: Members["answers"], members = 3) {
    this.answers = answers;
    this.client = new RegistryClient({
      members,
      clock: this.clock,
      random: new SeededRandom(1),
      ask: async (member, request, signal) => {
        this.asked.push([member, request]);
        const answer = this.answers(member, request);
        return answer === "silence" ? await silence(member, request, signal) : answer;
      },
    });
  }

  /** What becomes of it, with as much time as it takes. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const end = () => {
      settled = true;
    };
    promise.then(end, end);
    for (let ms = 0; ms < 20_000 && !settled; ms += 5) await this.clock.advanceAsync(5);
    return await promise;
  }

  async session() {
    const session = await this.settle(this.client.openSession());
    this.asked.length = 0;
    return session;
  }
}

const take = { do: "take", workspace: "w", person: "p" } as const;
const done = { value: { session: 7, ok: true, changed: true, revision: 1 } };
const membersOf = ({ asked }: Members) => asked.map(([member]) => member);

describe("a client of the registry", () => {
  test("goes to whom it is told leads, and stays there", async () => {
    const members = new Members((member) => (member === 3 ? done : refused("NOT_LEADER", 3)));
    const session = await members.session();
    await members.settle(session.run(take));
    await members.settle(session.run(take));
    expect(membersOf(members)).toEqual([3, 3]);
  });

  test("asks again under the same number, and tells which answers it has", async () => {
    const members = new Members(() => done);
    const session = await members.session();
    let silent = 2;
    members.answers = () => (silent-- > 0 ? "silence" : done);
    await members.settle(session.run(take));
    await members.settle(session.run(take));
    const ids = members.asked.map(([, asked]) => asked.kind === "run" && asked.session);
    const first = { id: 7, sequence: 1, acknowledged: 0 };
    expect(ids).toEqual([first, first, first, { id: 7, sequence: 2, acknowledged: 1 }]);
  });

  test("keeps an answer open until it is there, whatever else is answered", async () => {
    const members = new Members(() => done);
    const session = await members.session();
    members.answers = (_member, asked) =>
      asked.kind === "run" && asked.session.sequence === 1 ? "silence" : done;
    const first = session.run(take);
    await members.settle(session.run(take));
    await members.settle(session.run(take));
    const [, asked] = members.asked.at(-1) as [number, RegistryRequest];
    expect(asked).toMatchObject({ session: { sequence: 3, acknowledged: 0 } });
    members.answers = () => done;
    await members.settle(first);
  });

  test("turns to others when a member does not answer, and leaves that one alone for a while", async () => {
    const members = new Members((member) => (member === 1 ? done : refused("NOT_LEADER", 1)));
    const session = await members.session();
    members.answers = (member) => (member === 1 ? "silence" : done);
    await members.settle(session.run(take));
    expect(membersOf(members)[0]).toBe(1);
    expect(membersOf(members)).toHaveLength(2);
    // Somebody who still believes in the old leader does not send it back there.
    members.asked.length = 0;
    let told = 3;
    members.answers = () => (told-- > 0 ? refused("NOT_LEADER", 1) : done);
    await members.settle(session.run(take));
    expect(membersOf(members)).not.toContain(1);
  });

  test("reads from anybody", async () => {
    const members = new Members(() => done);
    for (let n = 0; n < 6; n++) {
      await members.settle(members.client.read({ of: "seats", workspace: "w" }));
    }
    expect(membersOf(members).sort()).toEqual([1, 1, 2, 2, 3, 3]);
  });
});

describe("given up, it says whether it may have happened", () => {
  test("not, where everybody said that it has not", async () => {
    const members = new Members(() => refused("NOT_LEADER"));
    await expect(members.settle(members.client.openSession())).rejects.toMatchObject({
      code: "TIMEOUT",
      outcome: "not-executed",
    });
  });

  test.each([
    ["nobody answered once", "silence" as const],
    ["somebody did not know once", refused("TIMEOUT", 0, "unknown")],
  ])("unknown, where %s", async (_what, once) => {
    const members = new Members(() => done);
    const session = await members.session();
    let count = 0;
    members.answers = () => (count++ === 1 ? once : refused("NO_LEADER"));
    await expect(members.settle(session.run(take, { timeoutMs: 1_000 }))).rejects.toMatchObject({
      code: "TIMEOUT",
      outcome: "unknown",
    });
  });

  test("at once, when its caller does not want it any more", async () => {
    const members = new Members(() => "silence");
    const leaving = new AbortController();
    const call = members.client.openSession({ signal: leaving.signal });
    leaving.abort();
    await expect(call).rejects.toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  });

  test.each(["SESSION_EXPIRED", "SESSION_SEQUENCE", "MALFORMED"])(
    "at once, for %s: to ask again would not help",
    async (code) => {
      const members = new Members(() => done);
      const session = await members.session();
      members.answers = () => refused(code);
      await expect(members.settle(session.run(take))).rejects.toMatchObject({ code });
      expect(members.asked).toHaveLength(1);
    },
  );
});
