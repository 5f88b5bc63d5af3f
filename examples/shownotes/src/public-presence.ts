// The regions beside the demo, as the page and the keys have them: those that the demo starts, and
// can cut off from each other; or those that somebody else has started.
import { BusyError } from "./lab.ts";
import { type LiveRegions, startRegions } from "./live-presence.ts";

/** Regions as the public port shows them. */
export interface PublicPresence {
  readonly names: readonly string[];
  /** Whether they are cut off from each other; null where that is not for us to know. */
  readonly isParted: boolean | null;
  /** Where a region is, while it is there. */
  urlOf(name: string): URL | undefined;
  /** Cuts them off from each other, or has them reach each other again; where it can be done. */
  part?(on: boolean): Promise<void>;
}

/**
 * Cuts the regions off from each other, or has them meet; without `on`, the other of the two.
 * Rejects with a BusyError where that cannot be done.
 */
export async function setPartition(
  presence: PublicPresence | undefined,
  on: boolean = presence?.isParted === false,
): Promise<void> {
  if (presence?.part === undefined) throw new BusyError("there are no regions to cut off here");
  if (presence.names.some((name) => presence.urlOf(name) === undefined)) {
    throw new BusyError("the regions are being started");
  }
  await presence.part(on);
}

/** The regions of the demo that stays up: started once, restarted when they die, and stopped. */
export class LivePresence implements PublicPresence {
  readonly names: readonly string[];
  isParted = false;
  readonly #say: (line: string) => void;
  #starting: Promise<LiveRegions> | undefined;
  #regions: LiveRegions | undefined;
  #stopped = false;

  readonly #startAll: typeof startRegions;

  constructor(
    names: readonly string[],
    say: (line: string) => void,
    startAll: typeof startRegions = startRegions,
  ) {
    this.names = names;
    this.#say = say;
    this.#startAll = startAll;
  }

  urlOf(name: string): URL | undefined {
    return this.#regions?.urls[this.names.indexOf(name)];
  }

  /** Starts them, once. Regions that do not start are one line: the demo has much else. */
  async start(): Promise<void> {
    if (this.#stopped) return;
    this.#starting ??= this.#startAll(this.names, this.#say);
    try {
      this.#regions = await this.#starting;
    } catch (error) {
      this.#say((error as Error).message);
    }
  }

  async part(on: boolean): Promise<void> {
    await (on ? this.#regions?.part() : this.#regions?.heal());
    this.isParted = on;
    this.#say(on ? "the regions are cut off from each other" : "the regions reach each other");
  }

  /** Stops them, and takes away what they have written. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const regions = await this.#starting?.catch(() => undefined);
    await regions?.stop();
  }
}

/** Regions that run elsewhere; who cuts them off does so there. */
export class RemotePresence implements PublicPresence {
  readonly names: readonly string[];
  readonly isParted = null;
  readonly #urls: readonly URL[];

  constructor(names: readonly string[], urls: readonly URL[]) {
    this.names = names;
    this.#urls = urls;
  }

  urlOf(name: string): URL | undefined {
    return this.#urls[this.names.indexOf(name)];
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}
}
