// The real services without processes of their own: on sockets of 127.0.0.1, within the test.
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createEdge } from "../src/edge.ts";
import { createPreview } from "../src/preview.ts";
import { type Scenario, scenario as x1 } from "../src/scenario.ts";
import { createService, type ServiceDefinition } from "../src/service.ts";
import { Stack, type StackSource } from "../src/stack.ts";

/** X1 in a fifth of a second. What it measures means nothing; that it can be run does. */
export const brief: Scenario = {
  ...x1,
  load: { ratePerSecond: 200, previewShare: 0.5, seed: 1 },
  phasesMs: { warmUp: 50, fault: 100, recovery: 50 },
  preview: { delayMs: 1, faultDelayMs: 400 },
  edge: { inFlightMax: 4 },
  withinMs: 300,
};

/** Listens on a free port; returns its address. */
export function listen(server: Server): Promise<URL> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    });
  });
}

/** Starts a service; stopping it cuts off what is under way. */
export async function serve(
  definition: ServiceDefinition,
): Promise<{ url: URL; stop: () => Promise<void> }> {
  const { server } = createService(definition, () => {});
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: await listen(server), stop };
}

/** Stacks within this process, and what became of them. */
export class InProcessStacks implements StackSource {
  readonly independent = true;
  running = 0;
  readonly made: { stack: Stack; lose: (reason: Error) => void }[] = [];
  readonly scenario: Scenario;

  constructor(scenario: Scenario = brief) {
    this.scenario = scenario;
  }

  async fresh(protection: boolean): Promise<Stack> {
    const preview = await serve(createPreview(this.scenario));
    const edge = await serve(createEdge(preview.url, this.scenario, protection));
    this.running++;
    const stop = async () => {
      this.running--;
      await Promise.all([edge.stop(), preview.stop()]);
    };
    const losing = new AbortController();
    const stack = new Stack(edge.url, preview.url, { children: [{ stop }], lost: losing.signal });
    this.made.push({ stack, lose: (reason) => losing.abort(reason) });
    return stack;
  }
}
