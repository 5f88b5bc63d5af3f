// The network as one process sees it. An address is a node's name, or the name with something
// behind a colon: "a", "a:peers", "a:7000". A node listens on its own addresses only.

import {
  type ConnectOptions,
  type Link,
  type Listener,
  RuntimeError,
  type Transport,
} from "@compendium/runtime";
import type { Process } from "../process.ts";
import { type LinkHost, SimulatedLink } from "./link.ts";

/** What a transport needs of the world around it. */
export interface TransportHost extends LinkHost {
  /** The transport of the life that this node lives now. */
  transportOf(name: string): SimulatedTransport | undefined;
}

/** The links and listeners of one life. */
export class SimulatedTransport implements Transport {
  readonly #host: TransportHost;
  readonly #process: Process;
  readonly #listeners = new Map<string, (link: Link) => void>();
  readonly #links = new Set<SimulatedLink>();

  constructor(host: TransportHost, process: Process) {
    this.#host = host;
    this.#process = process;
  }

  async listen(address: string, accept: (link: Link) => void): Promise<Listener> {
    const { name } = this.#process;
    if (nodeOf(address) !== name) {
      throw new RangeError(`address must be "${name}" or begin with "${name}:", got "${address}"`);
    }
    if (this.#listeners.has(address)) {
      throw new RuntimeError("ADDRESS_IN_USE", `listen on ${address}`);
    }
    this.#listeners.set(address, accept);
    const close = async (): Promise<void> => {
      if (this.#listeners.get(address) === accept) this.#listeners.delete(address);
    };
    return { address, close, [Symbol.asyncDispose]: close };
  }

  async connect(address: string, { signal }: ConnectOptions = {}): Promise<Link> {
    signal?.throwIfAborted();
    return await new Promise<Link>((resolve, reject) => {
      const effect = this.#process.begin("connect");
      if (effect === undefined) return;
      const onAbort = (): void => {
        attempt.abandon();
        reject(signal?.reason);
      };
      const done = (): void => signal?.removeEventListener("abort", onAbort);
      signal?.addEventListener("abort", onAbort, { once: true });
      const attempt = new Attempt(this.#host, this, address, (link) => {
        done();
        if (link === undefined) {
          return reject(new RuntimeError("CONNECT_FAILED", `connect to ${address}`));
        }
        if (effect.happened()) resolve(link);
      });
      attempt.knock();
      effect.issued();
    });
  }

  /** Takes a link from another node; undefined when nobody listens. */
  take(address: string, near: SimulatedLink, from: string): SimulatedLink | undefined {
    const accept = this.#listeners.get(address);
    if (accept === undefined) return undefined;
    const far = new SimulatedLink(this.#host, this.#process, from, from);
    SimulatedLink.join(near, far);
    this.keep(far);
    accept(far);
    return far;
  }

  /** The process is dead: its listeners are gone, and its links with them. */
  end(power: boolean): void {
    this.#listeners.clear();
    for (const link of this.#links) {
      if (power) link.vanish();
      else link.orphan();
    }
  }

  /** The machine is up again, and answers the links of its former life with a reset. */
  reset(): void {
    for (const link of this.#links) link.reset();
    this.#links.clear();
  }

  get process(): Process {
    return this.#process;
  }

  /** A link of this life, which is orphaned when the life ends. */
  keep(link: SimulatedLink): void {
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
  }
}

// There and back again, over paths that may be cut, to somebody who may be paused or dead.
class Attempt {
  readonly #host: TransportHost;
  readonly #transport: SimulatedTransport;
  readonly #process: Process;
  readonly #address: string;
  readonly #settle: (link: SimulatedLink | undefined) => void;
  readonly #startedUs: number;
  #abandoned = false;

  constructor(
    host: TransportHost,
    transport: SimulatedTransport,
    address: string,
    settle: (link: SimulatedLink | undefined) => void,
  ) {
    this.#host = host;
    this.#transport = transport;
    this.#process = transport.process;
    this.#address = address;
    this.#settle = settle;
    this.#startedUs = host.time.nowUs;
  }

  abandon(): void {
    this.#abandoned = true;
  }

  knock(): void {
    const { time, network } = this.#host;
    const target = nodeOf(this.#address);
    const there = network.path(this.#process.name, target);
    time.schedule(time.nowUs + there.delayUs(), undefined, () => {
      if (there.isCut) return this.#again(() => this.knock());
      const transport = this.#host.transportOf(target);
      if (transport === undefined) return this.#answer(undefined);
      time.schedule(time.nowUs, transport.process, () => {
        const near = new SimulatedLink(this.#host, this.#process, target, this.#address);
        const far = transport.take(this.#address, near, this.#process.name);
        // Without a far end it is no link, and nobody's to reset.
        if (far !== undefined) this.#transport.keep(near);
        this.#answer(far === undefined ? undefined : near);
      });
    });
  }

  #answer(near: SimulatedLink | undefined): void {
    const { time, network } = this.#host;
    const back = network.path(nodeOf(this.#address), this.#process.name);
    time.schedule(time.nowUs + back.delayUs(), this.#process, () => {
      if (back.isCut) return this.#again(() => this.#answer(near), near);
      if (this.#abandoned) return near?.destroy();
      this.#settle(near);
    });
  }

  #again(retry: () => void, near?: SimulatedLink): void {
    const { time, network } = this.#host;
    const { retransmitUs, breakAfterUs } = network.options;
    time.schedule(time.nowUs + retransmitUs, this.#process, () => {
      const late = time.nowUs - this.#startedUs >= breakAfterUs;
      if (!late && !this.#abandoned) return retry();
      near?.destroy();
      if (!this.#abandoned) this.#settle(undefined);
    });
  }
}

function nodeOf(address: string): string {
  return address.split(":", 1)[0] as string;
}
