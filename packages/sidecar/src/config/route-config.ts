// Routes as they are compiled: what a request must look like, and where it goes.
import type { Fields } from "../codec/fields.ts";
import type { HttpFilterConfig } from "./filter-config.ts";
import type { Format } from "./format.ts";
import type { Pattern, Substitution } from "./pattern.ts";

/** A group of hosts' names with their routes. */
export interface VirtualHostConfig {
  readonly name: string;
  /** Exact, "*.suffix", "prefix.*" or "*". */
  readonly domains: readonly string[];
  /** The first that matches wins. */
  readonly routes: readonly RouteConfig[];
  /** Whether a request without TLS is sent to https instead (301). */
  readonly requiresTls: boolean;
}

/** What a request must look like, and what becomes of it. */
export interface RouteConfig {
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: ForwardAction | RedirectAction | DirectResponseAction;
  /** This route's, then the virtual host's, then the whole table's. */
  readonly headers: HeaderEdits;
  /** This route's, where it has none the virtual host's, then the whole table's. */
  readonly filters: FilterOverrides;
}

/** Filters' settings for a route, by the filter's name; false switches it off. */
export type FilterOverrides = ReadonlyMap<string, HttpFilterConfig | false>;

/** All of it must hold. The path is looked at without its query. */
export interface RouteMatch {
  readonly path:
    | { readonly kind: "prefix" | "exact" | "separated-prefix"; readonly value: string }
    | { readonly kind: "regex"; readonly value: Pattern };
  readonly ignoreCase: boolean;
  readonly headers: readonly HeaderMatcher[];
  readonly query: readonly { readonly name: string; readonly value: StringMatcher | undefined }[];
  /** Of a million requests, how many match; `undefined`: all. */
  readonly fraction: number | undefined;
  readonly grpcOnly: boolean;
}

/** A text that is looked for. */
export type StringMatcher =
  | {
      readonly kind: "exact" | "prefix" | "suffix" | "contains";
      readonly value: string;
      readonly ignoreCase: boolean;
    }
  | { readonly kind: "regex"; readonly value: Pattern };

/** A header that is looked at. */
export interface HeaderMatcher {
  /** In lower case; ":method", ":path" and ":authority" too. */
  readonly name: string;
  readonly match:
    | { readonly kind: "present" }
    | { readonly kind: "string"; readonly value: StringMatcher }
    | { readonly kind: "range"; readonly from: number; readonly to: number };
  readonly invert: boolean;
}

/**
 * Changes to headers, of requests on the way in, of responses on the way out: one after the other,
 * from the innermost to the outermost, as Envoy makes them. Levels without any are left out.
 */
export interface HeaderEdits {
  readonly request: readonly HeaderEdit[];
  readonly response: readonly HeaderEdit[];
}

/** First what is removed, then what is set or added. */
export interface HeaderEdit {
  readonly remove: readonly string[];
  readonly add: readonly {
    readonly name: string;
    /** With command operators, such as "%DOWNSTREAM_REMOTE_ADDRESS%". */
    readonly value: Format;
    readonly how: "append" | "overwrite" | "add-if-absent" | "overwrite-if-present";
    /** Without it, nothing is added when the value comes out as "". */
    readonly keepEmpty: boolean;
  }[];
}

/** A cluster and its share. */
export interface WeightedCluster {
  readonly cluster: string;
  readonly weight: number;
  /** Made before the route's. */
  readonly headers: HeaderEdits;
  /** Which hosts of a subset cluster: the route's and what this share adds. */
  readonly subset: Readonly<Record<string, string>>;
}

/** To a cluster. */
export interface ForwardAction {
  readonly kind: "forward";
  /** One, or a split by weight. */
  readonly clusters: readonly WeightedCluster[];
  /** Or the cluster that this header names. */
  readonly clusterHeader: string | undefined;
  /** The path that is sent on. */
  readonly rewrite: { readonly kind: "prefix"; readonly value: string } | RegexRewrite | undefined;
  /** The authority that is sent on; "auto": the host's name; "header": what that header says, if it
   * is there. */
  readonly hostRewrite:
    | { readonly kind: "literal"; readonly value: string }
    | { readonly kind: "auto" }
    | { readonly kind: "header"; readonly name: string }
    | undefined;
  /** From the end of the request to the end of the response; 0: none. Default: 15,000. */
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number | undefined;
  /** The longest `grpc-timeout` that is believed; `undefined`: it is not looked at. */
  readonly grpcTimeoutMsMax: number | undefined;
  /** The route's, or else the virtual host's: one of them whole, never a mixture. */
  readonly retry: RetryConfig | undefined;
  /** The same. */
  readonly hedge: HedgeConfig | undefined;
  readonly mirrors: readonly MirrorConfig[];
  /** Which hosts of a subset cluster, where a header names it. */
  readonly subset: Readonly<Record<string, string>>;
  /** What consistent hashing hashes: the first that yields something. */
  readonly hash: readonly HashPolicy[];
  readonly priority: "default" | "high";
  /** In lower case; `undefined`: the connection manager's. */
  readonly upgrades: readonly string[] | undefined;
}

/** Each match in the path is replaced; the query stays. */
export interface RegexRewrite {
  readonly kind: "regex";
  readonly pattern: Pattern;
  readonly substitution: Substitution;
}

/** A copy of the request whose answer nobody waits for. */
export interface MirrorConfig {
  readonly cluster: string;
  /** Of a million. */
  readonly fraction: number;
  /** Whether the copy's authority is the request's, without "-shadow" behind it. */
  readonly keepsAuthority: boolean;
}

/** What to hash. */
export type HashPolicy =
  | { readonly kind: "header" | "query"; readonly name: string; readonly terminal: boolean }
  | { readonly kind: "source-ip"; readonly terminal: boolean }
  | {
      readonly kind: "cookie";
      readonly name: string;
      readonly terminal: boolean;
      /** Sets the cookie where it is missing. */
      readonly ttlMs: number | undefined;
      readonly path: string;
    };

/** When and how often to try again. */
export interface RetryConfig {
  readonly on: ReadonlySet<RetryOn>;
  readonly statusCodes: ReadonlySet<number>;
  /** Attempts after the first. */
  readonly retries: number;
  readonly perTryTimeoutMs: number;
  readonly perTryIdleTimeoutMs: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  /** Whether `Retry-After` is obeyed, and up to when. */
  readonly retryAfterMsMax: number;
  /** How often another host is looked for when one comes that was tried already. */
  readonly hostSelectionAttempts: number;
}

/** Envoy's names. */
export type RetryOn =
  | "5xx"
  | "gateway-error"
  | "reset"
  | "reset-before-request"
  | "connect-failure"
  | "retriable-4xx"
  | "refused-stream"
  | "retriable-status-codes"
  | "http3-post-connect-failure"
  | "cancelled"
  | "deadline-exceeded"
  | "internal"
  | "resource-exhausted"
  | "unavailable";

/** A second attempt beside the first. */
export interface HedgeConfig {
  /** When the per-try timeout passes, begin another and keep the first. */
  readonly onPerTryTimeout: boolean;
  readonly initialRequests: number;
}

/** To another address. */
export interface RedirectAction {
  readonly kind: "redirect";
  readonly scheme: "http" | "https" | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path:
    | { readonly kind: "whole"; readonly value: string }
    | { readonly kind: "prefix"; readonly value: string }
    | RegexRewrite
    | undefined;
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly stripQuery: boolean;
}

/** An answer from here. */
export interface DirectResponseAction {
  readonly kind: "direct";
  readonly status: number;
  readonly body: Uint8Array;
  readonly fields: Fields;
}
