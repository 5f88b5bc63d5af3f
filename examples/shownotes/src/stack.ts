// An edge and the services behind it that belong together, and how to get fresh ones. The demo
// starts them as child processes; a lab beside containers is told their addresses, and lets whoever
// restarts them do so.
import { Child } from "./child.ts";
import type { LimitsState } from "./edge-limits.ts";
import { getJson, postJson } from "./http.ts";

// A service that was stopped in its tracks (SIGSTOP, a debugger) must not stop whoever asks it.
const CONTROL_MS_MAX = 5_000;

/** What `GET /control` of the edge answers. */
export interface EdgeState {
  startedAtMs: number;
  protection: boolean;
  inFlight: number;
  queued: number;
  breaker: { state: string; inFlight: number; slowRate: number; counts: Record<string, number> };
  transitions: { from: string; to: string; reason: string; wallMs: number }[];
  hedging: boolean;
  limits: LimitsState;
  /** Previews that were answered with a bare link. */
  bareLinks: number;
}

/** What `GET /control` of the preview service answers. */
export interface PreviewState {
  startedAtMs: number;
  calls: number;
  /** Calls that arrived while the fault was on. */
  faultCalls: number;
  fault: boolean;
  /** When it was switched on, in ms since 1970; null while it is off. */
  faultSinceMs: number | null;
  delayMs: number;
  /** Whether a share of the calls is far slower than the others. */
  stragglers: boolean;
  /** Calls whose caller left before the answer. */
  abandonedCalls: number;
  /** Whether a share of the calls is answered with 500. */
  failures: boolean;
  failedCalls: number;
}

/** A running pair of services. */
export class Stack {
  /** Where the load goes. */
  readonly edgeUrl: URL;
  readonly previewUrl: URL;
  /** Aborted when one of the processes dies unasked, where that can be seen. */
  readonly lost: AbortSignal;
  readonly #edgeControlUrl: URL;
  readonly #children: readonly Stoppable[];

  constructor(
    edgeUrl: URL,
    previewUrl: URL,
    {
      children = [],
      lost = new AbortController().signal,
      edgeControlUrl = edgeUrl,
    }: StackProcesses = {},
  ) {
    this.edgeUrl = edgeUrl;
    this.#edgeControlUrl = edgeControlUrl;
    this.previewUrl = previewUrl;
    this.lost = lost;
    this.#children = children;
  }

  edge(): Promise<EdgeState> {
    return getJson(new URL("/control", this.#edgeControlUrl), inTime());
  }

  preview(): Promise<PreviewState> {
    return getJson(new URL("/control", this.previewUrl), inTime());
  }

  protect(on: boolean): Promise<void> {
    return postJson(new URL("/control/protection", this.#edgeControlUrl), { on }, inTime());
  }

  breakPreview(on: boolean): Promise<void> {
    return postJson(new URL("/control/fault", this.previewUrl), { on }, inTime());
  }

  hedge(on: boolean): Promise<void> {
    return postJson(new URL("/control/hedging", this.#edgeControlUrl), { on }, inTime());
  }

  straggle(on: boolean): Promise<void> {
    return postJson(new URL("/control/stragglers", this.previewUrl), { on }, inTime());
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
  }
}

/** The processes of a stack, where they are its own. */
export interface StackProcesses {
  children?: readonly Stoppable[];
  lost?: AbortSignal;
  /** Where the edge itself is, if the load goes to something in front of it. */
  edgeControlUrl?: URL;
}

type Stoppable = Pick<Child, "stop">;

function inTime(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(CONTROL_MS_MAX) };
}

/** Where stacks come from. */
export interface StackSource {
  /** Whether two stacks run side by side, or a fresh one takes the place of the last. */
  readonly independent: boolean;
  /** A pair of processes that has seen nothing yet, with the protection on or off. */
  fresh(protection: boolean): Promise<Stack>;
}

/** Starts every stack as three child processes on 127.0.0.1: billing is there besides. */
export class ChildStacks implements StackSource {
  readonly independent = true;
  readonly #say: (line: string) => void;
  readonly #registry: (() => Promise<readonly URL[]>) | undefined;

  /** @param registry where the registry's members are, or will be; without it there are no seats */
  constructor(say: (line: string) => void, registry?: () => Promise<readonly URL[]>) {
    this.#say = say;
    this.#registry = registry;
  }

  async fresh(protection: boolean): Promise<Stack> {
    const registryUrls = await this.#registry?.();
    const seats = registryUrls === undefined ? [] : ["--registry", registryUrls.join()];
    const losing = new AbortController();
    const onDeath = (line: string) => {
      this.#say(line);
      losing.abort(new Error("one of its processes died"));
    };
    const started: Child[] = [];
    const start = async (...command: [string, ...string[]]) => {
      const child = await Child.start(command, onDeath);
      started.push(child);
      return child;
    };
    const behind = [start("preview"), start("billing")] as const;
    try {
      const [preview, billing] = await Promise.all(behind);
      const to = ["--preview", preview.url.href, "--billing", billing.url.href];
      const edge = await start("edge", ...to, ...seats, "--protection", protection ? "on" : "off");
      return new Stack(edge.url, preview.url, { children: started, lost: losing.signal });
    } catch (error) {
      // Whoever has not started yet may still do so.
      await Promise.allSettled(behind);
      await Promise.all(started.map((child) => child.stop()));
      throw error;
    }
  }
}

const RESTART_MS_MAX = 20_000;
const POLL_MS = 100;

/** Services that run elsewhere, with `--respawn`. */
export class RemoteStack implements StackSource {
  readonly independent = false;
  readonly #edgeUrl: URL;
  readonly #stack: Stack;

  /** @param entryUrl what stands in front of the edge, if the load is to go there */
  constructor(edgeUrl: URL, previewUrl: URL, entryUrl: URL = edgeUrl) {
    this.#edgeUrl = edgeUrl;
    this.#stack = new Stack(entryUrl, previewUrl, { edgeControlUrl: edgeUrl });
  }

  async fresh(protection: boolean): Promise<Stack> {
    await Promise.all([restart(this.#edgeUrl), restart(this.#stack.previewUrl)]);
    await this.#stack.protect(protection);
    return this.#stack;
  }
}

/** Waits until a service with `--respawn` is a fresh process at its address. */
// In a container the process id is the same each time; when it started is not.
export async function restart(serviceUrl: URL): Promise<void> {
  const controlUrl = new URL("/control", serviceUrl);
  const before = await getJson<{ startedAtMs: number }>(controlUrl, inTime());
  await postJson(new URL("/control/exit", serviceUrl), {}, inTime());
  const giveUpAt = performance.now() + RESTART_MS_MAX;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const asked = getJson<{ startedAtMs: number }>(controlUrl, inTime());
    const now = await asked.catch(() => undefined);
    if (now !== undefined && now.startedAtMs !== before.startedAtMs) return;
    if (performance.now() > giveUpAt) {
      throw new Error(`${serviceUrl.host} did not come back; run it with --respawn`);
    }
  }
}
