// Where X6's regions come from: child processes with proxies between them; or processes somewhere
// else, which somebody else cuts off from each other, and lets go, when told to.
import { sleep } from "@compendium/runtime";
import { type LiveRegions, startRegions } from "./live-presence.ts";
import { presenceAt } from "./presence-http.ts";
import type { PresenceState } from "./presence-replica.ts";

const POLL_MS = 20;
const PATIENCE_MS = 120_000;

/** Where they come from. */
export interface X6Source {
  /** Regions that have seen nothing; `lost` is told when a process dies that should not. */
  fresh(
    names: readonly string[],
    lost: (reason: Error) => void,
    signal: AbortSignal,
  ): Promise<LiveRegions>;
}

/** Starts the replicas as child processes on 127.0.0.1. */
export class X6ChildRegions implements X6Source {
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  fresh(names: readonly string[], lost: (reason: Error) => void): Promise<LiveRegions> {
    return startRegions(names, (line) => {
      this.#say(line);
      lost(new Error("one of its processes died"));
    });
  }
}

/**
 * Replicas that run elsewhere, and may have seen other runs. Whether they are apart, they are asked
 * themselves.
 */
export class X6RemoteRegions implements X6Source {
  readonly #urls: readonly URL[];
  readonly #say: (line: string) => void;

  constructor(urls: readonly URL[], say: (line: string) => void) {
    this.#urls = urls;
    this.#say = say;
  }

  async fresh(names: readonly string[], _lost: unknown, signal: AbortSignal): Promise<LiveRegions> {
    if (this.#urls.length !== names.length) {
      throw new RangeError(`there must be ${names.length} regions, got ${this.#urls.length}`);
    }
    const client = presenceAt(this.#urls);
    const reach = async (isAsWanted: (states: readonly PresenceState[]) => boolean) => {
      const giveUpAt = performance.now() + PATIENCE_MS;
      for (;;) {
        const states = await Promise.all(names.map((_, region) => client.state(region)));
        if (isAsWanted(states)) return;
        if (performance.now() > giveUpAt) throw new Error("nobody has done so");
        await sleep(POLL_MS, { signal });
      }
    };
    return {
      urls: this.#urls,
      name: `x6-${Date.now().toString(36)}`,
      part: () => {
        this.#say("now cut the regions off from each other");
        return reach((states) => states.every(({ peers }) => peers.length === 0));
      },
      heal: () => {
        this.#say("now let the regions reach each other again");
        return reach((states) => states.some(({ peers }) => peers.length > 0));
      },
      stop: async () => client[Symbol.dispose](),
    };
  }
}
