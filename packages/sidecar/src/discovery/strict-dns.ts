// Discovery by DNS (Envoy's STRICT_DNS, strict_dns_cluster.cc): every address of every name is a
// host, and names are looked up again and again.
//
//     an answer            the hosts of that name are these, none if it is empty
//     no answer, or late   the hosts of that name stay as they are, and it is tried again soon
//
// A name is looked up once for all of its endpoints, and the next lookup begins a pause after the
// last has ended, so that a name has one at a time. The pause is `refreshMs`, and after a failure
// shorter: it doubles from half a second up to that, half of it by chance, because all proxies that
// lost one DNS server would come back to it together.
//
// Left out: times to live, which the system does not tell.
import { isIP } from "node:net";
import type { Clock, Random } from "@compendium/runtime";
import type { ClusterConfig, EndpointConfig, LocalityEndpoints } from "../config/cluster-config.ts";
import type { ResolvedAddress, Resolver } from "./resolver.ts";

/** What discovery by DNS is made of. */
export interface StrictDnsOptions {
  /** With names for addresses. */
  readonly endpoints: readonly LocalityEndpoints[];
  readonly refreshMs: number;
  readonly family: ClusterConfig["dnsFamily"];
  readonly resolver: Resolver;
  readonly clock: Pick<Clock, "now" | "setTimer">;
  readonly random: Pick<Random, "below">;
  /** The hosts have changed: the endpoints with addresses. */
  readonly onEndpoints: (endpoints: readonly LocalityEndpoints[]) => void;
  /** Every name has been looked up once, with or without success. */
  readonly onReady: () => void;
}

/** Counts since the beginning. */
export interface DnsNumbers {
  lookups: number;
  failures: number;
  /** Answers that the name has no address. */
  empty: number;
}

interface Name {
  readonly name: string;
  addresses: readonly string[];
  /** In a row. */
  failures: number;
  isSettled: boolean;
  /** Of the pause or of the lookup's time: there is never more than one. */
  timer: Disposable | undefined;
}

const LOOKUP_TIMEOUT_MS = 10_000;
const RETRY_MS = 500;
// Of one name. What is beyond is not used, as if the answer had been cut.
const ADDRESSES_MAX = 1_024;

/** Keeps the hosts of a cluster to what DNS says, until it is disposed. */
export class StrictDns implements Disposable {
  /** Counts, to be read. */
  readonly numbers: DnsNumbers = { lookups: 0, failures: 0, empty: 0 };
  readonly #options: StrictDnsOptions;
  readonly #names: ReadonlyMap<string, Name>;
  #isDisposed = false;

  constructor(options: StrictDnsOptions) {
    this.#options = options;
    const endpoints = options.endpoints.flatMap((locality) => locality.endpoints);
    const names = endpoints.map(({ address }) => address).filter((name) => isIP(name) === 0);
    this.#names = new Map([...new Set(names)].map((name) => [name, unknown(name)]));
  }

  /** Whether every name has been looked up once, with or without success. */
  get isReady(): boolean {
    for (const { isSettled } of this.#names.values()) if (!isSettled) return false;
    return true;
  }

  /** Begins, with what needs no lookup. */
  start(): void {
    this.#tell();
    for (const name of this.#names.values()) this.#lookUp(name);
    if (this.#names.size === 0) this.#options.onReady();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const name of this.#names.values()) name.timer?.[Symbol.dispose]();
  }

  #lookUp(name: Name): void {
    const { clock, resolver } = this.#options;
    this.numbers.lookups++;
    let isOver = false;
    const end = (found: readonly ResolvedAddress[] | undefined): void => {
      // What comes late is the answer to a question that has been given up.
      if (isOver || this.#isDisposed) return;
      isOver = true;
      name.timer?.[Symbol.dispose]();
      this.#onEnd(name, found);
    };
    name.timer = clock.setTimer(clock.now() + LOOKUP_TIMEOUT_MS, () => end(undefined));
    resolver.resolve(name.name).then(end, () => end(undefined));
  }

  #onEnd(name: Name, found: readonly ResolvedAddress[] | undefined): void {
    const isFirst = !this.isReady;
    name.isSettled = true;
    if (found === undefined) {
      this.numbers.failures++;
      name.failures++;
    } else {
      name.failures = 0;
      if (found.length === 0) this.numbers.empty++;
      this.#take(name, found);
    }
    this.#pause(name);
    if (isFirst && this.isReady) this.#options.onReady();
  }

  #take(name: Name, found: readonly ResolvedAddress[]): void {
    // Servers turn the order with every answer, which changes nothing.
    const addresses = usable(found, this.#options.family).sort();
    if (addresses.join() === name.addresses.join()) return;
    name.addresses = addresses;
    this.#tell();
  }

  #pause(name: Name): void {
    const { clock, random, refreshMs } = this.#options;
    let pauseMs = refreshMs;
    if (name.failures > 0) {
      const growing = Math.min(RETRY_MS * 2 ** (name.failures - 1), refreshMs);
      pauseMs = growing / 2 + random.below(Math.ceil(growing / 2) + 1);
    }
    name.timer = clock.setTimer(clock.now() + pauseMs, () => this.#lookUp(name));
  }

  #tell(): void {
    const { endpoints, onEndpoints } = this.#options;
    onEndpoints(
      endpoints.map((locality) => ({
        ...locality,
        endpoints: locality.endpoints.flatMap((endpoint) => this.#resolved(endpoint)),
      })),
    );
  }

  #resolved(endpoint: EndpointConfig): readonly EndpointConfig[] {
    const known = this.#names.get(endpoint.address);
    if (known === undefined) return [endpoint];
    const hostname = endpoint.hostname || known.name;
    return known.addresses.map((address) => ({ ...endpoint, address, hostname }));
  }
}

function unknown(name: string): Name {
  return { name, addresses: [], failures: 0, isSettled: false, timer: undefined };
}

function usable(found: readonly ResolvedAddress[], family: ClusterConfig["dnsFamily"]): string[] {
  const [ip4, ip6] = [4, 6].map((one) => found.filter((each) => each.family === one));
  const usable = ofFamily(ip4!, ip6!, family);
  return [...new Set(usable.map(({ address }) => address))].slice(0, ADDRESSES_MAX);
}

// Unless all are asked for, of one family: a machine with both is one host, not two.
function ofFamily(
  ip4: readonly ResolvedAddress[],
  ip6: readonly ResolvedAddress[],
  family: ClusterConfig["dnsFamily"],
): readonly ResolvedAddress[] {
  switch (family) {
    case "auto":
      return ip6.length > 0 ? ip6 : ip4;
    case "v4-preferred":
      return ip4.length > 0 ? ip4 : ip6;
    case "v4-only":
      return ip4;
    case "v6-only":
      return ip6;
    case "all":
      return [...ip4, ...ip6];
  }
}
