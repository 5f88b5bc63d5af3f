// Stacks with a sidecar in front of every service:
//
//     load ─▶ ▣ edge ─┬▶ ▣ preview         ▣ a sidecar
//                     └▶ ▣ billing
//
// X1 and X4 run on them as they run on others. What X4 switches is then not the edge, which hedges
// in neither of its runs, but what the sidecar of the preview service is told.
import { Child } from "./child.ts";
import { endpointsAt, Mesh, type MeshSidecar } from "./mesh.ts";
import { Stack, type StackProcesses, type StackSource } from "./stack.ts";
import { x4Scenario } from "./x4-scenario.ts";

// The edge has a queue of its own, and a word to say about it; its sidecar must not be fuller
// first.
const EDGE_REQUESTS_MAX = 8_192;

/** A stack of which the preview service's sidecar hedges, where anybody does. */
export class MeshStack extends Stack {
  readonly #previewSidecar: Pick<MeshSidecar, "configure">;

  constructor(
    addresses: { entryUrl: URL; edgeUrl: URL; previewUrl: URL },
    previewSidecar: Pick<MeshSidecar, "configure">,
    processes: StackProcesses = {},
  ) {
    super(addresses.entryUrl, addresses.previewUrl, {
      ...processes,
      edgeControlUrl: addresses.edgeUrl,
    });
    this.#previewSidecar = previewSidecar;
  }

  override async hedge(on: boolean): Promise<void> {
    await super.hedge(false);
    const { hedgeAfterMs } = x4Scenario.mesh;
    await this.#previewSidecar.configure({ hedgeAfterMs: on ? hedgeAfterMs : undefined });
  }
}

/** Starts every stack as six child processes on 127.0.0.1: three services, three sidecars. */
export class MeshStacks implements StackSource {
  readonly independent = true;
  readonly #say: (line: string) => void;
  readonly #registry: (() => Promise<readonly URL[]>) | undefined;

  /** @param registry where the registry's members are, or will be; without it there are no seats */
  constructor(say: (line: string) => void, registry?: () => Promise<readonly URL[]>) {
    this.#say = say;
    this.#registry = registry;
  }

  async fresh(protection: boolean): Promise<Stack> {
    const losing = new AbortController();
    const onDeath = (line: string) => {
      this.#say(line);
      losing.abort(new Error("one of its processes died"));
    };
    const mesh = new Mesh(onDeath);
    const starting: Promise<Child>[] = [];
    const start = (...command: [string, ...string[]]) => {
      const child = Child.start(command, onDeath);
      starting.push(child);
      return child;
    };
    const stop = async () => {
      const settled = await Promise.allSettled(starting);
      const children = settled.map((it) => it.status === "fulfilled" && it.value.stop());
      await Promise.all([...children, mesh.stop()]);
    };
    try {
      const inFront = async (name: string, child: Promise<Child>) => {
        const { url } = await child;
        return { url, sidecar: await mesh.start({ name, endpoints: endpointsAt([url]) }) };
      };
      const registryUrls = await this.#registry?.();
      const [preview, billing] = await Promise.all([
        inFront("preview", start("preview")),
        inFront("billing", start("billing")),
      ]);
      const to = ["--preview", preview.sidecar.url.href, "--billing", billing.sidecar.url.href];
      const seats = registryUrls === undefined ? [] : ["--registry", registryUrls.join()];
      const switches = ["--protection", protection ? "on" : "off"];
      const edge = await start("edge", ...to, ...seats, ...switches);
      const endpoints = endpointsAt([edge.url]);
      const requestsMax = EDGE_REQUESTS_MAX;
      const entry = await mesh.start({ name: "edge", endpoints, requestsMax });
      const addresses = { entryUrl: entry.url, edgeUrl: edge.url, previewUrl: preview.url };
      const processes = { children: [{ stop }], lost: losing.signal };
      return new MeshStack(addresses, preview.sidecar, processes);
    } catch (error) {
      // Whoever has not started yet may still do so.
      await stop();
      throw error;
    }
  }
}
