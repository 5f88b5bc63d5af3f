/** What a proxy is set up for. */
export interface Setting {
  readonly protocol: "http1" | "grpc";
  readonly upstreamPort: number;
  /** A file with the key and the certificate, where the proxy is to speak TLS 1.3. */
  readonly pemFile?: string | undefined;
}

/** Where a proxy that cannot choose a port itself listens. */
export interface Placed extends Setting {
  readonly port: number;
  /** For its files; it goes away after the bench. */
  readonly folder: string;
}
