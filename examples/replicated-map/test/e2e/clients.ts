// Clients of the map, and what they saw. Each value is written by one command only, so that an ETag
// stands for a value, and a compare-and-swap by ETag is one by value: what the checker's model of a
// map knows.
//
// Half of the clients use a session and ask again, any member, until there is an answer: whatever
// happens, they know. The others ask once, and take "nobody knows" for an answer.
import { type KvInput, type KvOutput, Recorder } from "@compendium/linearizability";
import type { LocalGroup } from "../../src/local-group.ts";

/** How long one attempt may take; a member that is stopped does not answer. */
const ATTEMPT_MS = 1_000;
const PAUSE_MS = 4;
const TURNS_AT_ONE = 20;
const KEYS = ["a", "b", "c"];

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly text: string;
}

type Headers = Readonly<Record<string, string>>;

/** What a read has shown. */
interface Read {
  readonly etag: string | null;
  readonly value: string | null;
}

interface Swap extends Read {
  readonly sequence: Headers | undefined;
}

interface Write {
  readonly key: string;
  readonly body: string;
  readonly condition?: Headers;
  readonly session?: Headers | undefined;
}

const NEVER_READ: Read = { etag: null, value: null };

/** Clients that ask until they are told to end. */
export class Clients {
  readonly recorder: Recorder<KvInput, KvOutput> = new Recorder();
  /** Keys that one command wrote, successfully, and that nobody writes again. */
  readonly acknowledged: Map<string, string> = new Map();
  /** Whether any of an attempt's two bad ends was seen: 503 and 504, or no answer. */
  readonly seen: { notExecuted: number; unknown: number; repeated: number } = {
    notExecuted: 0,
    unknown: 0,
    repeated: 0,
  };
  readonly #group: LocalGroup;
  readonly #running: Promise<void>[];
  // Which member each client asks, until that one does not answer.
  readonly #at: number[];
  #ending = false;
  #successes = 0;
  #waiting: { readonly at: number; readonly resolve: () => void }[] = [];

  constructor(group: LocalGroup, count: number) {
    this.#group = group;
    this.#at = Array.from({ length: count }, (_, id) => id);
    this.#running = Array.from({ length: count }, (_, id) => this.#run(id));
  }

  /** Resolves once so many further writes were acknowledged. */
  further(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ at: this.#successes + count, resolve });
    return Promise.race([promise, Promise.all(this.#running).then(() => {})]);
  }

  /** Ends all; what is under way is waited for. */
  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#running);
  }

  async #run(id: number): Promise<void> {
    const session = id % 2 === 0 ? await this.#openSession(id) : undefined;
    const read = new Map<string, Read>();
    for (let turn = 1; !this.#ending; turn++) {
      const key = KEYS[(id + turn) % KEYS.length] as string;
      const value = `${id}.${turn}`;
      const sequence =
        session === undefined
          ? undefined
          : { "session-id": session, "session-sequence": String(turn) };
      // Members that came back are asked as well.
      if (turn % TURNS_AT_ONE === 0) this.#moveOn(id);
      if (turn % 4 === 0) await this.#writeOwn(id, `own-${value}`, value, sequence);
      else if (turn % 4 === 1) read.set(key, await this.#read(id, key));
      else if (turn % 4 === 2) {
        const { etag, value: from } = read.get(key) ?? NEVER_READ;
        await this.#swap(id, key, value, { etag, value: from, sequence });
      } else await this.#put(id, key, value, sequence);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #openSession(client: number): Promise<string> {
    for (;;) {
      const { status, text } = await this.#ask(client, "POST", "/sessions", {});
      if (status === 201) return String((JSON.parse(text) as { session: number }).session);
    }
  }

  async #read(process: number, key: string): Promise<Read> {
    const call = this.recorder.call({ f: "get", key }, { process });
    const { status, etag, text } = await this.#ask(process, "GET", `/map/${key}`, {});
    const value = status === 200 ? text : null;
    if (status === 200 || status === 404) call.ok(value);
    else call.fail();
    return { etag, value };
  }

  async #put(process: number, key: string, value: string, session?: Headers) {
    const call = this.recorder.call({ f: "put", key, value }, { process });
    const { status } = await this.#write(process, { key, body: value, session });
    if (status === 200) call.ok(undefined);
    else if (status === 503) call.fail();
    else call.unknown();
  }

  async #swap(process: number, key: string, to: string, { etag, value: from, sequence }: Swap) {
    const condition: Headers = etag === null ? { "if-none-match": "*" } : { "if-match": etag };
    const call = this.recorder.call({ f: "cas", key, from, to }, { process });
    const write = { key, body: to, condition, session: sequence };
    const { status } = await this.#write(process, write);
    if (status === 200 || status === 412) call.ok(status === 200);
    else if (status === 503) call.fail();
    else call.unknown();
  }

  async #writeOwn(client: number, key: string, value: string, session?: Headers) {
    const { status } = await this.#write(client, { key, body: value, session });
    if (status === 200) this.acknowledged.set(key, value);
  }

  // In a session, until it is known what became of it.
  async #write(client: number, { key, body, condition, session }: Write): Promise<Answer> {
    const headers = { ...condition, ...session };
    for (;;) {
      const answer = await this.#ask(client, "PUT", `/map/${key}`, { body, headers });
      if (answer.status === 200) this.#succeeded();
      if (session === undefined || answer.status === 200 || answer.status === 412) return answer;
      if (answer.status < 500) throw new Error(`${answer.status}: ${answer.text}`);
      this.seen.repeated++;
    }
  }

  #moveOn(client: number): void {
    this.#at[client] = (this.#at[client] as number) + 1;
  }

  #succeeded(): void {
    this.#successes++;
    for (const { at, resolve } of this.#waiting) if (at <= this.#successes) resolve();
    this.#waiting = this.#waiting.filter(({ at }) => at > this.#successes);
  }

  // A member that does not answer is a 504: nobody knows.
  async #ask(client: number, method: string, place: string, options: RequestInit): Promise<Answer> {
    const { ids } = this.#group;
    const id = ids[(this.#at[client] as number) % ids.length] as number;
    const signal = AbortSignal.timeout(ATTEMPT_MS);
    try {
      const response = await fetch(this.#group.url(id) + place, { ...options, method, signal });
      const { status, headers } = response;
      if (status === 503) this.seen.notExecuted++;
      if (status === 504) this.seen.unknown++;
      if (status > 500) this.#moveOn(client);
      return { status, etag: headers.get("etag"), text: await response.text() };
    } catch (error) {
      this.seen.unknown++;
      this.#moveOn(client);
      return { status: 504, etag: null, text: String(error) };
    }
  }
}
