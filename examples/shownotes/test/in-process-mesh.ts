// Sidecars without processes of their own: the same data plane on the same configuration, within
// the test, on a port that is free.
import { compile, Sidecar } from "@compendium/sidecar";
import { createEdge } from "../src/edge.ts";
import { endpointsAt, type SidecarSettings } from "../src/mesh.ts";
import { LISTENER, type SidecarPlan, sidecarConfig } from "../src/mesh-config.ts";
import { createPreview } from "../src/preview.ts";
import type { Scenario } from "../src/scenario.ts";
import { Stack } from "../src/stack.ts";
import type { X9Scenario } from "../src/x9-scenario.ts";
import { countsOf, fail, type X9Source, type X9Stack } from "../src/x9-stacks.ts";
import { brief, serve } from "./in-process.ts";

const anywhere = { host: "127.0.0.1", port: 0 };

/** A sidecar in this process. */
export class InProcessSidecar {
  readonly #sidecar = new Sidecar();
  #plan: SidecarPlan;

  private constructor(settings: SidecarSettings) {
    this.#plan = { ...settings, listen: anywhere, admin: anywhere };
  }

  static async start(settings: SidecarSettings): Promise<InProcessSidecar> {
    const started = new InProcessSidecar(settings);
    await started.configure({});
    return started;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#sidecar.plane.portOf(LISTENER)}`);
  }

  /** Hosts that are put aside. */
  get ejected(): number {
    const { cluster } = this.#sidecar.plane.clusterOf(this.#plan.name) ?? {};
    return cluster?.outliers?.numbers.active ?? 0;
  }

  async configure(change: Partial<SidecarSettings>): Promise<void> {
    this.#plan = { ...this.#plan, ...change };
    await this.#sidecar.apply(compile(sidecarConfig(this.#plan)));
  }

  async stop(): Promise<void> {
    await this.#sidecar[Symbol.asyncDispose]();
  }
}

/** X9's stacks within this process, and what became of them. */
export class InProcessX9 implements X9Source {
  running = 0;
  readonly lost: ((reason: Error) => void)[] = [];
  readonly #x9: X9Scenario;
  readonly #services: Scenario;

  constructor(x9: X9Scenario, services: Scenario = brief) {
    this.#x9 = x9;
    this.#services = services;
  }

  async fresh(lost: (reason: Error) => void): Promise<X9Stack> {
    const { weights, canary, detection } = this.#x9;
    const preview = () => serve(createPreview(this.#services, undefined, canary));
    const [stable, newer] = [await preview(), await preview()];
    const endpoints = endpointsAt([stable.url, newer.url], [weights.stable, weights.canary]);
    const sidecar = await InProcessSidecar.start({ name: "preview", endpoints });
    const edge = await serve(createEdge(sidecar.url, this.#services, false));
    const stack = new Stack(edge.url, newer.url);
    await stack.hedge(false);
    await fail(newer.url, true);
    this.running++;
    this.lost.push(lost);
    return {
      edgeUrl: edge.url,
      detect: (on) => sidecar.configure({ ejectAfter: on ? detection.consecutive5xx : undefined }),
      counts: () => countsOf(stack, async () => sidecar.ejected),
      stop: async () => {
        this.running--;
        await Promise.all([edge, sidecar, stable, newer].map((it) => it.stop()));
      },
    };
  }
}
