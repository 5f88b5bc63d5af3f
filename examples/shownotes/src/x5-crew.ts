// X5's clients, and all that they saw. A podcast's crew: each has a seat now and then, edits a
// document under a lease now and then, and looks. Each does one thing at a time, as a person does,
// and goes on once it is answered; so that in a gap all of them wait, and none is counted twice.
//
// Everything is written down twice: as a history, which the checker is asked about while it grows,
// and as the moments at which a command was answered, between which lies the gap.
import { type History, Recorder } from "@compendium/linearizability";
import { type Clock, SeededRandom, sleep } from "@compendium/runtime";
import type { RegistryClient, RegistrySession } from "./registry-client.ts";
import { RegistryError } from "./registry-client.ts";
import type { RegistryAnswer, RegistryCommand, RegistryQuery } from "./registry-commands.ts";
import type { Asked, Got } from "./x5-model.ts";
import type { X5Scenario } from "./x5-scenario.ts";

// A call may outlast every fault; whoever gives up earlier learns nothing.
const PATIENCE_MS = 20_000;
// Many times what a minute brings.
const OPERATIONS_MAX = 200_000;

/** An answer to a command. */
export interface Acknowledged {
  /** On the crew's clock. */
  readonly atMs: number;
  readonly changed: boolean;
  readonly revision: number;
}

/** What a crew stands on. */
export interface CrewOptions {
  readonly client: RegistryClient;
  readonly clock: Clock;
  readonly scenario: Pick<X5Scenario, "load" | "leaseMs">;
  /** Goes into the names, so that two crews at one registry do not meet. */
  readonly name: string;
}

/** The clients. */
export class Crew {
  readonly acknowledged: Acknowledged[] = [];
  /** Calls whose outcome nobody will ever know. */
  unknown = 0;
  readonly #options: CrewOptions;
  readonly #recorder = new Recorder<Asked, Got>({ operationsMax: OPERATIONS_MAX });
  #resting = false;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  /** What was seen until now. */
  get history(): History<Asked, Got> {
    return this.#recorder.history();
  }

  /** Pays for the seats, and then works until {@link rest}, or until the signal is aborted. */
  async work(signal: AbortSignal): Promise<void> {
    const { client, scenario } = this.#options;
    const { clients, workspaces, seats, seed } = scenario.load;
    const cashier = await client.openSession({ timeoutMs: PATIENCE_MS, signal });
    for (let n = 0; n < workspaces; n++) {
      const workspace = this.#name("workspace", n);
      const charge = `${this.#options.name}-${n}`;
      await this.#run(cashier, { do: "pay", workspace, charge, seats }, "cashier", signal);
    }
    const people = Array.from({ length: clients }, (_, n) => {
      return this.#person(n, new SeededRandom(seed * 1_000 + n), signal);
    });
    await Promise.all(people);
  }

  /** Lets everybody finish what they are at. */
  rest(): void {
    this.#resting = true;
  }

  #name(what: string, n: number): string {
    return `${what}-${this.#options.name}-${n}`;
  }

  async #person(n: number, random: SeededRandom, signal: AbortSignal): Promise<void> {
    const { client, clock, scenario } = this.#options;
    const { clients, ratePerSecond } = scenario.load;
    const everyMs = (1_000 * clients) / ratePerSecond;
    const session = await client.openSession({ timeoutMs: PATIENCE_MS, signal });
    const tasks = this.#tasks(n, random, (command, person) =>
      this.#run(session, command, person, signal),
    );
    // Spread over the interval, so that they do not all come at once.
    for (let dueMs = clock.now() + (everyMs * n) / clients; ; dueMs += everyMs) {
      const nowMs = clock.now();
      dueMs = Math.max(dueMs, nowMs);
      await sleep(dueMs - nowMs, { clock, signal });
      if (this.#resting) return;
      const task = tasks[random.below(tasks.length)];
      await task?.(signal);
    }
  }

  // What a person does; each as likely as the others.
  #tasks(
    n: number,
    random: SeededRandom,
    run: (command: RegistryCommand, person: string) => Promise<RegistryAnswer | undefined>,
  ): ((signal: AbortSignal) => Promise<void>)[] {
    const { load, leaseMs: ttlMs } = this.#options.scenario;
    const person = `p${n}`;
    const workspace = this.#name("workspace", n % load.workspaces);
    const held = new Map<string, number>();
    const anyDocument = () => this.#name("document", random.below(load.documents));
    return [
      async () => void (await run({ do: "take", workspace, person }, person)),
      async () => void (await run({ do: "free", workspace, person }, person)),
      (signal) => this.#look({ of: "seats", workspace }, person, signal),
      (signal) => this.#look({ of: "lease", document: anyDocument() }, person, signal),
      async () => {
        const document = anyDocument();
        const answer = await run({ do: "acquire", document, holder: person, ttlMs }, person);
        if (answer?.ok) held.set(document, answer.epoch as number);
      },
      async () => {
        const [document, epoch] = [...held][0] ?? [anyDocument(), 1];
        const answer = await run({ do: "release", document, epoch }, person);
        if (answer !== undefined) held.delete(document);
      },
    ];
  }

  async #run(
    session: RegistrySession,
    command: RegistryCommand,
    person: string,
    signal: AbortSignal,
  ): Promise<RegistryAnswer | undefined> {
    return await this.#recorded(command, person, async () => {
      const answer = await session.run(command, { timeoutMs: PATIENCE_MS, signal });
      const { changed, revision } = answer;
      this.acknowledged.push({ atMs: this.#options.clock.now(), changed, revision });
      return answer;
    });
  }

  async #look(query: RegistryQuery, person: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    await this.#recorded(query, person, () =>
      client.read(query, { timeoutMs: PATIENCE_MS, signal }),
    );
  }

  async #recorded<Answer extends Got>(
    asked: Asked,
    process: string,
    ask: () => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const call = this.#recorder.call(asked, { process });
    try {
      const answer = await ask();
      call.ok(answer);
      return answer;
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      if (error.outcome === "not-executed") {
        call.fail();
      } else {
        call.unknown();
        this.unknown++;
      }
      return undefined;
    }
  }
}

/** The longest time without an acknowledged command in [from, to]. */
export function gapMs(acknowledged: readonly Acknowledged[], from: number, to: number): number {
  let longest = 0;
  let lastMs = from;
  for (const { atMs } of acknowledged) {
    if (atMs < from) continue;
    if (atMs > to) break;
    longest = Math.max(longest, atMs - lastMs);
    lastMs = atMs;
  }
  return Math.max(longest, to - lastMs);
}

/**
 * Of the changes that were acknowledged, those that are not there. Each has a revision of its own,
 * up to the last one: a change that was lost is above that, or its number was given a second time.
 */
export function lostOf(acknowledged: readonly Acknowledged[], lastRevision: number): number {
  const changes = acknowledged.filter(({ changed }) => changed);
  const kept = new Set(changes.map(({ revision }) => revision));
  return changes.length - [...kept].filter((revision) => revision <= lastRevision).length;
}
