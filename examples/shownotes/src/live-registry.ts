// The registry of the demo that stays up: three members as child processes, each with a folder of
// its own. Where they will listen is settled before they start, so that an edge can be told at
// once, and they can wait until the first comparison has had the machine for itself.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import { freePorts } from "./free-ports.ts";
import { endpointsAt, Mesh, type SidecarPorts, sidecarPorts } from "./mesh.ts";

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

/**
 * Three members that are started once, restarted when they die, and stopped; with a sidecar in
 * front of each, if wished. Of each: whoever asks the registry asks its leader, and must reach that
 * one.
 */
export class LiveRegistry {
  readonly #say: (line: string) => void;
  readonly #plan: Promise<RegistryPlan>;
  readonly #sidecars: Promise<SidecarPorts[]> | undefined;
  #mesh: Mesh | undefined;
  #started: Promise<PromiseSettledResult<Child>[]> | undefined;
  #stopped = false;

  constructor(say: (line: string) => void, { mesh = false }: { mesh?: boolean } = {}) {
    this.#say = say;
    this.#plan = planRegistry(REGISTRY_MEMBERS);
    this.#sidecars = mesh ? sidecarPorts(REGISTRY_MEMBERS) : undefined;
    // Whoever asks is told.
    this.#plan.catch(() => {});
    this.#sidecars?.catch(() => {});
  }

  /** Where they are asked, or will be. */
  async urls(): Promise<readonly URL[]> {
    const sidecars = await this.#sidecars;
    if (sidecars === undefined) return (await this.#plan).urls;
    return sidecars.map(({ port }) => new URL(`http://127.0.0.1:${port}`));
  }

  /** Starts them, once. A member that does not start is one line: two suffice. */
  async start(): Promise<void> {
    const plan = await this.#plan;
    const sidecars = await this.#sidecars;
    if (this.#stopped) return;
    const say = (line: string) => this.#say(line);
    this.#started ??= Promise.allSettled(plan.urls.map((_, at) => plan.start(at + 1, say)));
    const meshed: Promise<unknown>[] = [];
    if (sidecars !== undefined && this.#mesh === undefined) {
      this.#mesh = new Mesh(say);
      for (const [at, ports] of sidecars.entries()) {
        const endpoints = endpointsAt(plan.urls.slice(at, at + 1));
        meshed.push(this.#mesh.start({ name: `registry-${at + 1}`, endpoints }, ports));
      }
    }
    for (const it of [...(await this.#started), ...(await Promise.allSettled(meshed))]) {
      if (it.status === "rejected") say((it.reason as Error).message);
    }
  }

  /** Stops them, and takes away what they have written. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const children = (await this.#started) ?? [];
    const stopping = children.map((it) => it.status === "fulfilled" && it.value.stop());
    await Promise.all([...stopping, this.#mesh?.stop()]);
    await this.#plan.then(
      (plan) => plan.forget(),
      () => {},
    );
  }
}
