// The person who looks after a simulated group, and does not look after it well: leadership is
// handed over, snapshots are made, and members come and go at moments of chance. What is not
// possible is refused, and that is no news.
import { pick } from "@compendium/runtime";
import type { World } from "@compendium/simulation";
import type { MemberChange } from "../../src/node/index.ts";
import type { Action, Request } from "./member.ts";

/** What there is to look after. */
export interface OperatorOptions {
  readonly members: readonly string[];
  readonly changesGroup: boolean;
}

const ACTIONS_MAX = 24;
const PAUSE_MS_MAX = 120;

/** Asks for something now and then, of all members: only the leader can do it. */
export class Operator {
  readonly #world: World;
  readonly #options: OperatorOptions;
  readonly #activity: number;

  constructor(world: World, options: OperatorOptions) {
    this.#world = world;
    this.#options = options;
    // Some groups are left alone.
    this.#activity = world.random.below(4);
    world.datagrams.receive(() => {});
  }

  async run(): Promise<void> {
    const { clock, random, datagrams } = this.#world;
    if (this.#activity === 0) return;
    for (let number = 1; number <= ACTIONS_MAX; number++) {
      const atMs = clock.now() + random.below(PAUSE_MS_MAX * this.#activity);
      await new Promise<void>((resolve) => clock.setTimer(atMs, resolve));
      const request: Request = { kind: "operate", number, action: this.#draw() };
      for (const member of this.#options.members) datagrams.send(member, request);
    }
  }

  #draw(): Action {
    const { random } = this.#world;
    const id = this.#id();
    const what = random.below(this.#options.changesGroup ? 6 : 3);
    if (what === 0) return { what: "snapshot" };
    if (what <= 2) return { what: "transfer", to: id };
    if (what === 3) return { what: "promote", id };
    const count = 1 + random.below(random.below(3) + 1);
    return { what: "change", changes: Array.from({ length: count }, () => this.#change()) };
  }

  #change(): MemberChange {
    const id = this.#id();
    const type = pick(this.#world.random, ["add-voter", "add-learner", "remove"] as const);
    // The first two stay, so that there is somebody to answer clients.
    if (type === "remove") return { type, id: Math.max(3, id) };
    return { type, id, address: `n${id}` };
  }

  #id(): number {
    return 1 + this.#world.random.below(this.#options.members.length);
  }
}
