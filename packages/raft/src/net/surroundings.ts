// What all parts of a node's network share: the settings, the counters, time, and an account of all
// that is under way, so that `close` can wait for it and nothing stays behind.
import type { Link } from "@compendium/runtime";
import type { PeerLinksSettings } from "./options.ts";
import type { PeerIdentity, PeerNetworkStats, PeerReceiver } from "./peer-network.ts";

/** The counters, while they count. */
export type Counts = { -readonly [Name in keyof Omit<PeerNetworkStats, "linksOpen">]: number };

/** What a node's links stand in. */
export class Surroundings {
  readonly settings: PeerLinksSettings;
  readonly self: PeerIdentity;
  readonly receiver: PeerReceiver;
  /** Drawn at the start: whoever sees another number knows that this node has forgotten all. */
  readonly life: number;
  readonly counts: Counts = {
    messagesSent: 0,
    messagesReceived: 0,
    messagesDropped: 0,
    bytesSent: 0,
    bytesReceived: 0,
    linksOpened: 0,
    snapshotsSent: 0,
    snapshotsFailed: 0,
  };
  readonly #closing = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  readonly #unreachable = new Set<number>();
  readonly #settled: { readonly id: number; readonly delivered: boolean }[] = [];
  #news: Disposable | undefined;

  constructor(settings: PeerLinksSettings, self: PeerIdentity, receiver: PeerReceiver) {
    this.settings = settings;
    this.self = self;
    this.receiver = receiver;
    this.life = this.drawName();
  }

  /** Aborted when the network is being closed: nobody is told anything any more. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  get nowMs(): number {
    return this.settings.clock.now();
  }

  /** A number that nobody else draws, and is never 0. */
  drawName(): number {
    return 1 + this.settings.random.below(Number.MAX_SAFE_INTEGER);
  }

  /** Calls `fn` in so many milliseconds, unless it is disposed of. */
  after(ms: number, fn: () => void): Disposable {
    return this.settings.clock.setTimer(this.nowMs + ms, fn);
  }

  /** Waits, or is woken by the signal; which of the two, the caller asks the signal. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const wake = (): void => {
        timer[Symbol.dispose]();
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const timer = this.after(ms, wake);
      signal.addEventListener("abort", wake);
    });
  }

  /** How long to wait after so many failures in a row: doubling, from the upper half. */
  backoffMs(failures: number): number {
    const { backoffMinMs, backoffMaxMs, random } = this.settings;
    const ms = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(failures - 1, 30));
    // Without jitter, all that lost a member together come back to it together.
    return ms / 2 + random.below(Math.ceil(ms / 2) + 1);
  }

  /** Whatever runs on its own is waited for by {@link close}. */
  track(task: Promise<void>): void {
    this.#tasks.add(task);
    // An error in here is a fault of ours or of the receiver; left unhandled, it is seen.
    void task.finally(() => this.#tasks.delete(task));
  }

  /** Closes a link in bounded time, whatever the transport thinks of it. */
  release(link: Link): void {
    const guard = this.after(this.settings.closeTimeoutMs, () => link.destroy());
    this.track(link.close().finally(() => guard[Symbol.dispose]()));
  }

  /** Has the receiver told, once, on a turn of its own: it may be calling us right now. */
  unreachable(id: number): void {
    this.#unreachable.add(id);
    this.#announce();
  }

  /** Has the receiver told what became of a snapshot. */
  settled(id: number, delivered: boolean): void {
    if (delivered) this.counts.snapshotsSent++;
    else this.counts.snapshotsFailed++;
    this.#settled.push({ id, delivered });
    this.#announce();
  }

  #announce(): void {
    if (this.isClosing) return;
    this.#news ??= this.after(0, () => {
      this.#news = undefined;
      const ids = [...this.#unreachable];
      this.#unreachable.clear();
      const settled = this.#settled.splice(0);
      for (const id of ids) if (!this.isClosing) this.receiver.unreachable(id);
      for (const { id, delivered } of settled) {
        if (!this.isClosing) this.receiver.snapshotSettled(id, delivered);
      }
    });
  }

  /** Tells all parts to end. */
  beginClosing(): void {
    this.#news?.[Symbol.dispose]();
    this.#news = undefined;
    this.#closing.abort();
  }

  /** Waits until nothing is under way any more. */
  async ended(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.allSettled([...this.#tasks]);
  }
}
