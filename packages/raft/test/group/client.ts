// A client of a simulated group. It asks one member after the other until one answers, always under
// the same number of its session, so that whatever it asked for happens once. After a while it
// gives up: nobody knows then whether it happened, and it goes on as somebody new.

import type { KvInput } from "@compendium/linearizability";
import { pick } from "@compendium/runtime";
import type { World } from "@compendium/simulation";
import type { Request, Response, SessionCommand } from "./member.ts";

/** How clients behave. */
export interface ClientOptions {
  readonly members: readonly string[];
  /** Members that are sure to be there in the end: each must answer then. */
  readonly lasting: readonly string[];
  readonly keys: number;
  /** Operations after which a client is content. */
  readonly operationsMax: number;
  readonly attemptMs: number;
  readonly attemptsMax: number;
}

/** What a client records, for the history. */
export type ClientEvent =
  | { process: string; input: KvInput }
  | { process: string; output: unknown }
  | { process: string; failed: true };

type WithoutNumber<T> = T extends { number: number } ? Omit<T, "number"> : never;

const REST_MS_MAX = 400;

/** Runs a client until it is content. */
export class Client {
  readonly #world: World;
  readonly #options: ClientOptions;
  #numbers = 0;
  #lives = 0;
  #waiting: { number: number; resolve: (response: Response | undefined) => void } | undefined;
  #session: { id: number; sequence: number } | undefined;
  #target: string;

  constructor(world: World, options: ClientOptions) {
    this.#world = world;
    this.#options = options;
    this.#target = pick(world.random, options.members);
    world.datagrams.receive((message) => {
      const response = message as Response;
      if (response.number === this.#waiting?.number) this.#waiting.resolve(response);
    });
  }

  async run(): Promise<void> {
    for (let made = 0; made < this.#options.operationsMax; ) {
      this.#session ??= await this.#open();
      if (this.#session === undefined) continue;
      made++;
      await this.#operate(this.#session, this.#draw());
      await this.#pause();
    }
    for (const member of this.#options.lasting) await this.#readFrom(member);
    this.#world.record("content");
  }

  // Until it answers: if it never does, the group is not live.
  async #readFrom(member: string): Promise<void> {
    const process = `${this.#world.name}.${++this.#lives}`;
    const session = { id: 1, sequence: 1, acknowledged: 0 };
    const input: KvInput = { f: "get", key: "k0" };
    this.#world.record("call", { process, input });
    for (;;) {
      this.#target = member;
      const answer = await this.#attempt({ kind: "run", session, input });
      if (answer?.kind !== "done") continue;
      return this.#world.record("return", { process, output: answer.output });
    }
  }

  async #open(): Promise<{ id: number; sequence: number } | undefined> {
    const answer = await this.#attempt({ kind: "open" });
    if (answer?.kind === "opened") return { id: answer.session, sequence: 0 };
    return undefined;
  }

  #draw(): KvInput {
    const { random, name } = this.#world;
    const key = `k${random.below(this.#options.keys)}`;
    const value = `${name}.${this.#numbers} `;
    switch (random.below(6)) {
      case 0:
        return { f: "put", key, value };
      case 1:
        return { f: "append", key, value };
      case 2:
        return { f: "cas", key, from: null, to: value };
      default:
        return { f: "get", key };
    }
  }

  async #operate(session: { id: number; sequence: number }, input: KvInput): Promise<void> {
    const { attemptsMax } = this.#options;
    const process = `${this.#world.name}.${this.#lives}`;
    const acknowledged = session.sequence;
    const command: SessionCommand = { id: session.id, sequence: ++session.sequence, acknowledged };
    this.#world.record("call", { process, input });
    let mayHaveHappened = false;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const answer = await this.#attempt({ kind: "run", session: command, input });
      if (answer?.kind === "done") {
        return this.#world.record("return", { process, output: answer.output });
      }
      if (answer?.kind === "expired") {
        this.#session = undefined;
        if (mayHaveHappened) break;
        this.#world.record("fail", { process });
        return;
      }
      mayHaveHappened ||= answer === undefined;
    }
    this.#session = undefined;
    this.#lives++;
  }

  async #attempt(request: WithoutNumber<Request>): Promise<Response | undefined> {
    const number = ++this.#numbers;
    const { clock, datagrams, random } = this.#world;
    const { attemptMs, members } = this.#options;
    const { promise, resolve } = Promise.withResolvers<Response | undefined>();
    this.#waiting = { number, resolve };
    const timer = clock.setTimer(clock.now() + attemptMs, () => resolve(undefined));
    datagrams.send(this.#target, { ...request, number } as Request);
    const answer = await promise;
    timer[Symbol.dispose]();
    this.#waiting = undefined;
    if (answer === undefined || answer.kind === "not-executed") {
      this.#target = pick(random, members);
    }
    return answer;
  }

  // Bursts, in which much happens at the same time, and rests, so that they last.
  async #pause(): Promise<void> {
    const { clock, random } = this.#world;
    const ms = random.below(random.below(8) === 0 ? REST_MS_MAX : 3);
    await new Promise<void>((resolve) => clock.setTimer(clock.now() + ms, resolve));
  }
}
