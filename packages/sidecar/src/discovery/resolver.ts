// Looking up the addresses of a name. The system does it (getaddrinfo: /etc/hosts, the search list,
// the cache of the machine), so that the proxy and the programs beside it see the same world.
//
// That a name has no address is an answer, an empty one (Envoy's resolvers see EAI_NONAME and
// NXDOMAIN so). That nobody could be asked is none.
import { ADDRCONFIG } from "node:dns";
import { lookup } from "node:dns/promises";

/** One of the addresses of a name. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Looks up names. */
export interface Resolver {
  /** The IP addresses of the name: none if it has none. Rejects when nobody could say. */
  resolve(name: string): Promise<readonly ResolvedAddress[]>;
}

/** The system's own way. */
export class SystemResolver implements Resolver {
  // A lookup holds a thread of the process's four until it has ended, and there is no way to end
  // it. So a name has one at a time, however often it is asked for. Bound: the names.
  readonly #running = new Map<string, Promise<readonly ResolvedAddress[]>>();

  resolve(name: string): Promise<readonly ResolvedAddress[]> {
    const known = this.#running.get(name);
    if (known !== undefined) return known;
    const running = lookUp(name).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }
}

async function lookUp(name: string): Promise<readonly ResolvedAddress[]> {
  try {
    return await lookup(name, { all: true, order: "verbatim", hints: ADDRCONFIG });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTFOUND") return [];
    throw error;
  }
}
