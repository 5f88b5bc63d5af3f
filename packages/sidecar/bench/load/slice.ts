// What main.ts asks of the load's process, and what it answers. The load reads the proxy's
// processor time itself, at the first request and at the last answer, or connecting would count.

/** How a scenario asks. */
export type Asking =
  | { readonly kind: "kept"; readonly path: "/small" | "/echo" | "/64k" }
  | { readonly kind: "fresh"; readonly path: "/small-and-close" }
  | { readonly kind: "grpc" };

/** So long, to one proxy. */
export interface Slice {
  readonly asking: Asking;
  readonly pid: number;
  readonly port: number;
  /** The authority that vouches for the proxy, where it speaks TLS. */
  readonly ca?: string | undefined;
  readonly lastsMs: number;
  readonly requestsMax: number;
}

/** What came of a slice. */
export interface Figures {
  readonly requests: number;
  /** Of the proxy alone. */
  readonly cpuUs: number;
  readonly wallUs: number;
}

/** What the load's process says: first where its upstreams are, then one answer for each slice. */
export type Answer =
  | { readonly http1Port: number; readonly h2Port: number }
  | { readonly figures: Figures }
  | { readonly error: string };
