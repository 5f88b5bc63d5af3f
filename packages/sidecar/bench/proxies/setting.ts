/** A certificate, as programs want it. */
export interface CertificateFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Both in one. */
  readonly pemFile: string;
}

/** What a proxy is set up for. */
export interface Setting {
  readonly protocol: "http1" | "grpc";
  readonly upstreamPort: number;
  /** Where the proxy is to speak TLS 1.3. */
  readonly tls?: CertificateFiles | undefined;
}

/** Where a proxy that cannot choose a port itself listens. */
export interface Placed extends Setting {
  readonly port: number;
  /** For its files; it goes away after the bench. */
  readonly folder: string;
}
