// A host of a cluster: an address, its standing, and the numbers that balancers, breakers and
// outlier detection share. Whoever counts does so here: a balancer reads two numbers of two hosts
// for each request, and a map from hosts to numbers would cost more than the choice itself.

/** Plain numbers of one host. */
export interface HostNumbers {
  /** Requests that have begun and not ended. */
  activeRequests: number;
  activeConnections: number;
  requests: number;
  /** Answers of 5xx, and requests that ended without an answer. */
  failures: number;
  /** The peak-sensitive average of its latency, as it was at `latencyAtMs`: peak-ewma.ts. */
  latencyMs: number;
  latencyAtMs: number;
}

/** Where a host stands, for locality weights. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** One endpoint of a cluster. Its object lives as long as the address stays in the cluster. */
export interface Host {
  /** "10.0.0.1:8080": unique in its cluster, and what consistent hashing hashes. */
  readonly address: string;
  readonly hostname: string;
  readonly port: number;
  /** A whole number from 1. */
  readonly weight: number;
  /** 0 is used first. */
  readonly priority: number;
  readonly locality: Locality;
  /** For subsets: `envoy.lb` metadata, compared by their text. */
  readonly metadata: Readonly<Record<string, string>>;
  /** When it joined, on the clock of the cluster. */
  readonly joinedAtMs: number;
  readonly numbers: HostNumbers;
  /** Active health checks say so. True without any. */
  isHealthy: boolean;
  /** Outlier detection has put it aside. */
  isEjected: boolean;
  /**
   * When it joined, or was last found healthy after it had not been: slow start counts from here.
   */
  healthySinceMs: number;
}

/** Whether a host is sent requests, unless so few are that all of them have to be. */
export function isAvailable(host: Host): boolean {
  return host.isHealthy && !host.isEjected;
}

/** The address without the port, as a socket takes it. */
export function ipOf({ address, port }: Pick<Host, "address" | "port">): string {
  const ip = address.slice(0, -`:${port}`.length);
  return ip.startsWith("[") ? ip.slice(1, -1) : ip;
}

/** A host of which nothing is known yet. */
export function makeHost(
  endpoint: Pick<Host, "address" | "port"> & Partial<Omit<Host, "numbers">>,
): Host {
  const { joinedAtMs = 0 } = endpoint;
  return {
    hostname: "",
    weight: 1,
    priority: 0,
    locality: { region: "", zone: "", subZone: "" },
    metadata: {},
    isHealthy: true,
    isEjected: false,
    healthySinceMs: joinedAtMs,
    ...endpoint,
    joinedAtMs,
    numbers: {
      activeRequests: 0,
      activeConnections: 0,
      requests: 0,
      failures: 0,
      latencyMs: 0,
      latencyAtMs: 0,
    },
  };
}
