// An edge and a preview service that belong together, and how to get a fresh pair. The demo starts
// them as child processes; a lab beside containers is told their addresses, and lets whoever
// restarts them do so.
import { type Child, startChild } from "./child.ts";
import { getJson, postJson } from "./http.ts";

/** What `GET /control` of the edge answers. */
export interface EdgeState {
  protection: boolean;
  inFlight: number;
  queued: number;
  breaker: { state: string; inFlight: number; slowRate: number; counts: Record<string, number> };
  transitions: { from: string; to: string; reason: string; wallMs: number }[];
}

/** What `GET /control` of the preview service answers. */
export interface PreviewState {
  calls: number;
  fault: boolean;
  delayMs: number;
}

/** A running pair of services. */
export class Stack {
  readonly edgeUrl: URL;
  readonly previewUrl: URL;
  readonly #children: readonly Child[];

  constructor(edgeUrl: URL, previewUrl: URL, children: readonly Child[] = []) {
    this.edgeUrl = edgeUrl;
    this.previewUrl = previewUrl;
    this.#children = children;
  }

  edge(): Promise<EdgeState> {
    return getJson(new URL("/control", this.edgeUrl));
  }

  preview(): Promise<PreviewState> {
    return getJson(new URL("/control", this.previewUrl));
  }

  protect(on: boolean): Promise<void> {
    return postJson(new URL("/control/protection", this.edgeUrl), { on });
  }

  breakPreview(on: boolean): Promise<void> {
    return postJson(new URL("/control/fault", this.previewUrl), { on });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
  }
}

/** Where stacks come from. */
export interface StackSource {
  /** Whether two stacks run side by side, or a fresh one takes the place of the last. */
  readonly independent: boolean;
  /** A pair of processes that has seen nothing yet, with the protection on or off. */
  fresh(protection: boolean): Promise<Stack>;
}

/** Starts every stack as two child processes on 127.0.0.1. */
export class ChildStacks implements StackSource {
  readonly independent = true;
  readonly #onDeath: (line: string) => void;

  constructor(onDeath: (line: string) => void) {
    this.#onDeath = onDeath;
  }

  async fresh(protection: boolean): Promise<Stack> {
    const preview = await startChild("preview", [], this.#onDeath);
    const to = ["--preview", preview.url.href, "--protection", protection ? "on" : "off"];
    try {
      const edge = await startChild("edge", to, this.#onDeath);
      return new Stack(edge.url, preview.url, [edge, preview]);
    } catch (error) {
      await preview.stop();
      throw error;
    }
  }
}

const RESTART_MS_MAX = 20_000;
const POLL_MS = 100;

/** Services that run elsewhere, and are restarted by whatever runs them when they exit. */
export class RemoteStack implements StackSource {
  readonly independent = false;
  readonly #stack: Stack;

  constructor(edgeUrl: URL, previewUrl: URL) {
    this.#stack = new Stack(edgeUrl, previewUrl);
  }

  async fresh(protection: boolean): Promise<Stack> {
    const { edgeUrl, previewUrl } = this.#stack;
    await Promise.all([restart(edgeUrl), restart(previewUrl)]);
    await this.#stack.protect(protection);
    return this.#stack;
  }
}

// In a container the process id is the same each time; when it started is not.
async function restart(serviceUrl: URL): Promise<void> {
  const controlUrl = new URL("/control", serviceUrl);
  const before = await getJson<{ startedAtMs: number }>(controlUrl);
  await postJson(new URL("/control/exit", serviceUrl), {});
  const giveUpAt = performance.now() + RESTART_MS_MAX;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const now = await getJson<{ startedAtMs: number }>(controlUrl).catch(() => undefined);
    if (now !== undefined && now.startedAtMs !== before.startedAtMs) return;
    if (performance.now() > giveUpAt) {
      throw new Error(
        `${serviceUrl.host} did not come back; run it with "restart: unless-stopped"`,
      );
    }
  }
}
