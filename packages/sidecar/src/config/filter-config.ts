// Filters as they are compiled: what a request passes between the codec and the router.
import type { HeaderMatcher, StringMatcher } from "./route-config.ts";

/** What stands between the codec and the router. */
export type HttpFilterConfig =
  | AuthorizationConfig
  | LocalRateLimitConfig
  | FaultConfig
  | CorsConfig
  | BufferConfig
  | CompressorConfig
  | AdaptiveConcurrencyConfig;

/** Who may do what. What no policy matches is denied by "allow" and let pass by "deny". */
export interface AuthorizationConfig {
  readonly kind: "rbac";
  readonly name: string;
  readonly action: "allow" | "deny";
  readonly policies: ReadonlyMap<string, AuthorizationPolicy>;
}

/** One principal and one permission must hold. */
export interface AuthorizationPolicy {
  readonly principals: readonly Rule[];
  readonly permissions: readonly Rule[];
}

/** A condition on a request. */
export type Rule =
  | { readonly kind: "any" }
  | { readonly kind: "and" | "or"; readonly rules: readonly Rule[] }
  | { readonly kind: "not"; readonly rule: Rule }
  | { readonly kind: "header"; readonly matcher: HeaderMatcher }
  | { readonly kind: "path"; readonly matcher: StringMatcher }
  /** The client's SPIFFE id, or another name in its certificate; `undefined`: any verified one. */
  | { readonly kind: "principal"; readonly matcher: StringMatcher | undefined }
  | { readonly kind: "remote-ip" | "direct-ip"; readonly prefix: string; readonly length: number }
  | { readonly kind: "port"; readonly port: number };

/** A token bucket in this process. */
export interface LocalRateLimitConfig {
  readonly kind: "local-ratelimit";
  readonly name: string;
  readonly tokensMax: number;
  readonly tokensPerFill: number;
  readonly fillIntervalMs: number;
  readonly status: number;
  /** Of a million requests, how many take a token. Envoy's default is none. */
  readonly enabled: number;
  /** Of those that found no token, how many are refused, of a million. Envoy's default is none. */
  readonly enforced: number;
}

/** Faults on purpose. */
export interface FaultConfig {
  readonly kind: "fault";
  readonly name: string;
  /** Fractions are of a million. */
  readonly delay: { readonly ms: number; readonly fraction: number } | undefined;
  readonly abort:
    | {
        readonly status: number;
        readonly grpcStatus: number | undefined;
        readonly fraction: number;
      }
    | undefined;
  readonly headers: readonly HeaderMatcher[];
  /** At a time. */
  readonly activeMax: number;
}

/** Cross-origin requests (Fetch standard, §3.2). */
export interface CorsConfig {
  readonly kind: "cors";
  readonly name: string;
  /** None: the filter lets everything through as it is. */
  readonly origins: readonly StringMatcher[];
  readonly methods: string;
  readonly headers: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  readonly credentials: boolean;
}

/** Waits for the whole request; larger ones are 413. */
export interface BufferConfig {
  readonly kind: "buffer";
  readonly name: string;
  readonly requestBytesMax: number;
}

/** gzip, for responses. Off unless it is configured. */
export interface CompressorConfig {
  readonly kind: "compressor";
  readonly name: string;
  readonly contentTypes: readonly string[];
  readonly bytesMin: number;
}

/** A concurrency limit that finds its own size. */
export interface AdaptiveConcurrencyConfig {
  readonly kind: "adaptive-concurrency";
  readonly name: string;
  readonly limitMin: number;
  readonly limitMax: number;
  readonly status: number;
}
