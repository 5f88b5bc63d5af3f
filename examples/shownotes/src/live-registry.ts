// The registry of the demo that stays up: three members as child processes, each with a folder of
// its own. Where they will listen is settled before they start, so that an edge can be told at
// once, and they can wait until the first comparison has had the machine for itself.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import { freePorts } from "./free-ports.ts";

/** How many members there are. */
export const REGISTRY_MEMBERS = 3;

/** Where a group's members are, and what each is started with. */
export interface RegistryPlan {
  readonly urls: readonly URL[];
  start(member: number, onDeath: (line: string) => void): Promise<Child>;
  /** Takes away what they have written. */
  forget(): void;
}

/** A plan for so many members. Their folder is made when the first of them is started. */
export async function planRegistry(members: number): Promise<RegistryPlan> {
  let folder: string | undefined;
  const ports = await freePorts(2 * members);
  const peers = ports.slice(members).map((port) => `127.0.0.1:${port}`);
  return {
    urls: ports.slice(0, members).map((port) => new URL(`http://127.0.0.1:${port}`)),
    start: (member, onDeath) => {
      folder ??= mkdtempSync(join(tmpdir(), "shownotes-registry-"));
      const own = ["--member", `${member}`, "--folder", join(folder, `registry-${member}`)];
      const command = ["registry", "--peers", peers.join(), ...own] as const;
      return Child.start(command, onDeath, ports[member - 1]);
    },
    forget: () => {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Three members that are started once, restarted when they die, and stopped. */
export class LiveRegistry {
  readonly #say: (line: string) => void;
  readonly #plan: Promise<RegistryPlan>;
  #started: Promise<PromiseSettledResult<Child>[]> | undefined;
  #stopped = false;

  constructor(say: (line: string) => void) {
    this.#say = say;
    this.#plan = planRegistry(REGISTRY_MEMBERS);
    // Whoever asks is told.
    this.#plan.catch(() => {});
  }

  /** Where they are, or will be. */
  async urls(): Promise<readonly URL[]> {
    return (await this.#plan).urls;
  }

  /** Starts them, once. A member that does not start is one line: two suffice. */
  async start(): Promise<void> {
    const plan = await this.#plan;
    if (this.#stopped) return;
    this.#started ??= Promise.allSettled(
      plan.urls.map((_, at) => plan.start(at + 1, (line) => this.#say(line))),
    );
    for (const it of await this.#started) {
      if (it.status === "rejected") this.#say((it.reason as Error).message);
    }
  }

  /** Stops them, and takes away what they have written. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const children = (await this.#started) ?? [];
    await Promise.all(children.map((it) => it.status === "fulfilled" && it.value.stop()));
    await this.#plan.then(
      (plan) => plan.forget(),
      () => {},
    );
  }
}
