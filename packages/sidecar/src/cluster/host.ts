// A host of a cluster: an address, its standing, and the numbers that balancers, breakers and
// outlier detection share. Balancers see only healthy hosts; whoever counts does so here.

/** Plain numbers of one host. */
export interface HostNumbers {
  /** Requests that have begun and not ended. */
  activeRequests: number;
  activeConnections: number;
  requests: number;
  /** Answers of 5xx, and requests that ended without an answer. */
  failures: number;
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
  /** When it joined, on the clock of the cluster: slow start counts from here. */
  readonly joinedAtMs: number;
  readonly numbers: HostNumbers;
  /** Active health checks say so. True without any. */
  isHealthy: boolean;
  /** Outlier detection has put it aside. */
  isEjected: boolean;
}
