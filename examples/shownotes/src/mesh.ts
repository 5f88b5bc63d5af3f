// Sidecars as child processes, each in front of one service: a file in a folder that goes with
// them, ports that are settled beforehand, since others are told of them, and a door to look
// through. What a sidecar does is changed by a new file and SIGHUP, while requests are under way.
//
// Nobody else knows of them: a service is told another's address, and that is where a sidecar is.
// Control doors are for the lab, which goes to the services themselves.
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import { freePorts } from "./free-ports.ts";
import { getJson } from "./http.ts";
import { EJECT_AFTER, type Endpoint, type SidecarPlan, sidecarConfig } from "./mesh-config.ts";

const HOST = "127.0.0.1";
const ANSWER_MS_MAX = 5_000;
const POLL_MS = 10;

const CONFIGURATIONS = "listener_manager.lds.update_";
const TAKEN = `${CONFIGURATIONS}success`;
const REFUSED = `${CONFIGURATIONS}rejected`;

/** What is left open about a sidecar once its addresses are known. */
export type SidecarSettings = Omit<SidecarPlan, "listen" | "admin">;

/** Where a sidecar is, on 127.0.0.1. */
export interface SidecarPorts {
  readonly port: number;
  readonly adminPort: number;
}

/** Ports for so many sidecars, for whoever must be told of them before they start. */
export async function sidecarPorts(count: number): Promise<SidecarPorts[]> {
  const ports = await freePorts(2 * count);
  return Array.from({ length: count }, (_, at) => ({
    port: ports[2 * at] as number,
    adminPort: ports[2 * at + 1] as number,
  }));
}

/** The services that a sidecar shares its calls among. */
export function endpointsAt(urls: readonly URL[], weights: readonly number[] = []): Endpoint[] {
  return urls.map((url, at) => ({
    host: url.hostname,
    port: Number(url.port),
    weight: weights[at] ?? 1,
  }));
}

/** One that runs. */
export class MeshSidecar {
  /** Where whoever wants the service goes. */
  readonly url: URL;
  readonly #child: Child;
  readonly #file: string;
  readonly #adminUrl: URL;
  #plan: SidecarPlan;

  private constructor(child: Child, file: string, plan: SidecarPlan) {
    this.url = child.url;
    this.#child = child;
    this.#file = file;
    this.#plan = plan;
    this.#adminUrl = new URL(`http://${HOST}:${plan.admin.port}`);
  }

  /** Starts one, with its file in `folder`; `onDeath` is told, in a line, when it dies unasked. */
  static async start(
    settings: SidecarSettings,
    { port, adminPort }: SidecarPorts,
    folder: string,
    onDeath: (line: string) => void,
  ): Promise<MeshSidecar> {
    const listen = { host: HOST, port };
    const plan: SidecarPlan = {
      ejectAfter: EJECT_AFTER,
      ...settings,
      listen,
      admin: { host: HOST, port: adminPort },
    };
    const file = join(folder, `${settings.name}-${port}.json`);
    await write(file, plan);
    const child = await Child.start(["sidecar", "--config", file], onDeath, null);
    return new MeshSidecar(child, file, plan);
  }

  /** Has it work by other settings, for every request from now on. Rejects when it refuses them. */
  async configure(change: Partial<SidecarSettings>): Promise<void> {
    const before = await this.stats(CONFIGURATIONS);
    this.#plan = { ...this.#plan, ...change };
    await write(this.#file, this.#plan);
    this.#child.reload();
    const giveUpAt = performance.now() + ANSWER_MS_MAX;
    for (;;) {
      const now = await this.stats(CONFIGURATIONS);
      if ((now.get(TAKEN) ?? 0) > (before.get(TAKEN) ?? 0)) return;
      if ((now.get(REFUSED) ?? 0) > (before.get(REFUSED) ?? 0)) {
        throw new Error(`the sidecar of ${this.#plan.name} refuses its configuration`);
      }
      if (performance.now() > giveUpAt) {
        throw new Error(`the sidecar of ${this.#plan.name} has not read its configuration`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Its numbers, by Envoy's names for them; those whose name has `part` in it. */
  async stats(part: string): Promise<Map<string, number>> {
    const url = new URL(`/stats?format=json&filter=${encodeURIComponent(part)}`, this.#adminUrl);
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const { stats } = await getJson<{ stats: { name: string; value: number }[] }>(url, { signal });
    return new Map(stats.map(({ name, value }) => [name, value]));
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}

/** Sidecars that belong together, and their folder, which is there while this is. */
export class Mesh {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "shownotes-mesh-"));
  readonly #onDeath: (line: string) => void;
  readonly #starting: Promise<MeshSidecar>[] = [];

  constructor(onDeath: (line: string) => void) {
    this.#onDeath = onDeath;
  }

  /** Starts one, on ports that are free if none are said. */
  start(settings: SidecarSettings, ports?: SidecarPorts): Promise<MeshSidecar> {
    const starting = this.#start(settings, ports);
    this.#starting.push(starting);
    return starting;
  }

  async #start(settings: SidecarSettings, ports?: SidecarPorts): Promise<MeshSidecar> {
    const [free] = ports === undefined ? await sidecarPorts(1) : [ports];
    return await MeshSidecar.start(settings, free as SidecarPorts, this.#folder, this.#onDeath);
  }

  /** Stops all of them, also those that are still starting. */
  async stop(): Promise<void> {
    const settled = await Promise.allSettled(this.#starting);
    await Promise.all(settled.map((it) => it.status === "fulfilled" && it.value.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function write(file: string, plan: SidecarPlan): Promise<void> {
  return writeFile(file, `${JSON.stringify(sidecarConfig(plan), null, 2)}\n`);
}
