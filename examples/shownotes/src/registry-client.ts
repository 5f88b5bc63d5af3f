// A client of the registry: finds the leader, and asks again until there is an answer.
//
//     command ─▶ session: numbered ─▶ the leader, as far as known ─▶ answered
//                    ▲                      │ not the leader: whoever it names
//                    └── the same number ───┘ no answer in time: the others, in turn
//
// An attempt that was not answered may have been carried out, or may be yet. Asked again under the
// same number of the same session, it is carried out once all the same, and the answer is that of
// the first time. What a client cannot do is to give up and know: then the outcome is "unknown",
// unless every attempt was refused by somebody who said that it has not happened.
import type { SessionCommandId } from "@compendium/raft/node";
import { type Clock, type Random, sleep } from "@compendium/runtime";
import type {
  RegistryAnswer,
  RegistryCommand,
  RegistryFound,
  RegistryQuery,
} from "./registry-commands.ts";
import type { Refusal, Reply } from "./registry-member.ts";

/** What a member is asked. */
export type RegistryRequest =
  | { readonly kind: "open" }
  | { readonly kind: "run"; command: RegistryCommand; session: SessionCommandId }
  | { readonly kind: "read"; query: RegistryQuery };

/** Asks a member once. Rejects when there is no answer; the signal ends the waiting. */
export type Ask = (
  member: number,
  request: RegistryRequest,
  signal: AbortSignal,
) => Promise<Reply<unknown>>;

/** What a client stands on. */
export interface RegistryClientOptions {
  /** There are members 1 to so many. */
  readonly members: number;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly random: Random;
}

/** How a call waits. */
export interface Patience {
  /** Then it is given up; 5,000. */
  readonly timeoutMs?: number;
  /** Gives it up at once. */
  readonly signal?: AbortSignal;
}

/** A call that was given up, or that the registry refuses. */
export class RegistryError extends Error {
  readonly code: string;
  /** Whether it may have happened all the same. */
  readonly outcome: "not-executed" | "unknown";

  constructor(code: string, message: string, outcome: "not-executed" | "unknown") {
    super(message);
    this.code = code;
    this.outcome = outcome;
  }
}

// A member that has not answered by then is paused, cut off or dead as far as anybody can tell: it
// says within ANSWER_MS_MAX at least that it cannot (registry-member.ts).
const ATTEMPT_MS_MAX = 250;
// And is not asked again so soon, if there are others.
const SUSPECT_MS = 1_000;
// While nobody leads. It adds to every gap, so it is short; it is drawn, so that clients who were
// refused together do not come back together.
const PAUSE_MS = { min: 5, max: 20 };
// Of these there is no use in asking again.
const FINAL = ["SESSION_EXPIRED", "SESSION_SEQUENCE", "MALFORMED"];

/** A client of one registry. Its calls may be made at the same time. */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  /** Members that did not answer, and until when they are left alone. */
  readonly #suspects = new Map<number, number>();
  #leader = 1;
  #turn: number;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
    // Not all clients begin with the same member.
    this.#turn = options.random.below(options.members);
  }

  /** Opens a session. Rejects with a {@link RegistryError}. */
  async openSession(patience: Patience = {}): Promise<RegistrySession> {
    const opened = await this.#persist({ kind: "open" }, patience);
    return new RegistrySession((opened as { session: number }).session, (request, how) =>
      this.#persist(request, how),
    );
  }

  /** Asks without changing anything. Rejects with a {@link RegistryError}. */
  async read(query: RegistryQuery, patience: Patience = {}): Promise<RegistryFound> {
    return (await this.#persist({ kind: "read", query }, patience)) as RegistryFound;
  }

  async #persist(request: RegistryRequest, { timeoutMs = 5_000, signal }: Patience) {
    const { clock } = this.#options;
    const deadlineMs = clock.now() + timeoutMs;
    let outcome: RegistryError["outcome"] = "not-executed";
    for (let last = "nobody was asked"; ; ) {
      if (signal?.aborted || clock.now() >= deadlineMs) {
        throw new RegistryError("TIMEOUT", `no answer in time; the last was: ${last}`, outcome);
      }
      const member = this.#choose(request);
      const leftMs = deadlineMs - clock.now();
      const reply = await this.#attempt(member, request, Math.min(leftMs, ATTEMPT_MS_MAX), signal);
      if ("value" in reply) return reply.value;
      const { refusal } = reply;
      if (refusal.outcome === "unknown" && request.kind !== "read") outcome = "unknown";
      if (FINAL.includes(refusal.code)) {
        throw new RegistryError(refusal.code, refusal.message, outcome);
      }
      last = `${refusal.code}: ${refusal.message}`;
      if (!this.#learn(member, refusal)) await this.#pause(signal);
    }
  }

  // Reads are anybody's, everything else the leader's.
  #choose({ kind }: RegistryRequest): number {
    const { members } = this.#options;
    if (kind !== "read" && this.#leader !== 0 && !this.#isSuspect(this.#leader)) {
      return this.#leader;
    }
    for (let tried = 0; tried < members; tried++) {
      const member = (this.#turn++ % members) + 1;
      if (!this.#isSuspect(member)) return member;
    }
    return (this.#turn++ % members) + 1;
  }

  #isSuspect(member: number): boolean {
    return (this.#suspects.get(member) ?? 0) > this.#options.clock.now();
  }

  // Whether there is somebody else to ask at once.
  #learn(member: number, { code, leader }: Refusal): boolean {
    if (code === "NO_ANSWER") {
      this.#suspects.set(member, this.#options.clock.now() + SUSPECT_MS);
      if (this.#leader === member) this.#leader = 0;
      return false;
    }
    const isNews = leader !== 0 && leader !== member && !this.#isSuspect(leader);
    this.#leader = isNews ? leader : 0;
    return isNews;
  }

  async #attempt(
    member: number,
    request: RegistryRequest,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Reply<unknown>> {
    const { ask, clock } = this.#options;
    const ending = new AbortController();
    const end = () => ending.abort();
    const timer = clock.setTimer(clock.now() + timeoutMs, end);
    signal?.addEventListener("abort", end, { once: true });
    try {
      const reply = await ask(member, request, ending.signal);
      this.#suspects.delete(member);
      if ("value" in reply && request.kind !== "read") this.#leader = member;
      return reply;
    } catch (error) {
      const message = `member ${member} did not answer: ${(error as Error).message}`;
      return { refusal: { code: "NO_ANSWER", outcome: "unknown", leader: 0, message } };
    } finally {
      timer[Symbol.dispose]();
      signal?.removeEventListener("abort", end);
    }
  }

  async #pause(signal: AbortSignal | undefined): Promise<void> {
    const { clock, random } = this.#options;
    const ms = PAUSE_MS.min + random.below(PAUSE_MS.max - PAUSE_MS.min + 1);
    // Aborted, the next look at the signal says so.
    await sleep(ms, { clock, ...(signal && { signal }) }).catch(() => {});
  }
}

type Persist = (request: RegistryRequest, patience: Patience) => Promise<unknown>;

/**
 * Commands that are carried out once each, however often they had to be asked for. They may be made
 * at the same time.
 */
export class RegistrySession {
  /** What the registry knows it by. */
  readonly id: number;
  readonly #persist: Persist;
  #sequence = 0;
  // Invariant: sequences without an answer, in order.
  readonly #open = new Set<number>();

  constructor(id: number, persist: Persist) {
    this.id = id;
    this.#persist = persist;
  }

  /** Has a command carried out. Rejects with a {@link RegistryError}. */
  async run(command: RegistryCommand, patience: Patience = {}): Promise<RegistryAnswer> {
    const sequence = ++this.#sequence;
    this.#open.add(sequence);
    try {
      const [oldest = sequence] = this.#open;
      const session = { id: this.id, sequence, acknowledged: oldest - 1 };
      return (await this.#persist({ kind: "run", command, session }, patience)) as RegistryAnswer;
    } finally {
      this.#open.delete(sequence);
    }
  }
}
