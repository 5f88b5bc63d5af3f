// Listeners as they are compiled: which connections there may be, and what becomes of them.
import type { HttpFilterConfig } from "./filter-config.ts";
import type { LineFormat } from "./format.ts";
import type {
  HashPolicy,
  StringMatcher,
  VirtualHostConfig,
  WeightedCluster,
} from "./route-config.ts";

/** Where to listen, or whom to call. */
export interface AddressConfig {
  readonly address: string;
  readonly port: number;
}

/** A socket that is listened on. */
export interface ListenerConfig extends AddressConfig {
  readonly name: string;
  /** The most specific match wins, as in Envoy: server name, then ALPN. */
  readonly filterChains: readonly FilterChainConfig[];
  /** Connections at a time; more are closed at once. */
  readonly connectionsMax: number;
  /** For TLS and the first bytes of a connection. */
  readonly handshakeTimeoutMs: number;
}

/** What happens to a connection that matches. */
export interface FilterChainConfig {
  /** Unique in its listener. */
  readonly name: string;
  readonly match: {
    /** "a.example", "*.example"; empty: any. */
    readonly serverNames: readonly string[];
    readonly applicationProtocols: readonly string[];
    /** Without it, a chain with `tls` is for TLS, and one without for whatever comes. */
    readonly transport?: "tls" | "plain";
    /** Whether this chain takes what no other wants. */
    readonly isDefault?: true;
  };
  readonly tls: DownstreamTlsConfig | undefined;
  /** Connections of this chain at a time; `undefined`: the listener's bound alone. */
  readonly connectionsMax: number | undefined;
  readonly filter: HttpConfig | TcpConfig;
}

/** Files are read again when they change; connections stay. */
export interface CertificateFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A name that a certificate may have. */
export interface PeerNameMatcher {
  /** Which names are looked at; "any": both. */
  readonly kind: "uri" | "dns" | "any";
  readonly value: StringMatcher;
}

/** TLS for those who call us. */
export interface DownstreamTlsConfig {
  readonly certificates: readonly CertificateFiles[];
  readonly applicationProtocols: readonly string[];
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** Whose signatures count on a client's certificate; without it none is asked for. */
  readonly clientCaFile: string | undefined;
  /** Refuse a client without a certificate. */
  readonly requireClientCertificate: boolean;
  /** SPIFFE ids or other names of which one must be the client's; empty: any. */
  readonly allowedNames: readonly PeerNameMatcher[];
}

/** TLS towards a cluster. */
export interface UpstreamTlsConfig {
  readonly certificate: CertificateFiles | undefined;
  readonly caFile: string | undefined;
  readonly serverName: string | undefined;
  readonly applicationProtocols: readonly string[];
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** Names of which one must be the other side's; empty: `serverName`, or the host's own. */
  readonly allowedNames: readonly PeerNameMatcher[];
}

/** Bytes as they are, to one cluster. */
export interface TcpConfig {
  readonly kind: "tcp";
  readonly statPrefix: string;
  readonly clusters: readonly WeightedCluster[];
  /** How many hosts are tried for one connection. */
  readonly connectAttemptsMax: number;
  /** A connection without a byte in either direction; 0: no bound. */
  readonly idleTimeoutMs: number;
  /** By the address of the client, or not at all. */
  readonly hash: readonly HashPolicy[];
  readonly accessLogs: readonly AccessLogConfig[];
  /** What may wait to be written in one direction. */
  readonly bufferBytesMax: number;
}

/** The connection manager. */
export interface HttpConfig {
  readonly kind: "http";
  readonly statPrefix: string;
  readonly codec: "auto" | "http1" | "http2";
  readonly virtualHosts: readonly VirtualHostConfig[];
  /** Whether `example.com:8080` is looked up as `example.com`. */
  readonly ignoresPort: boolean;
  /** In this order on the way in. */
  readonly filters: readonly HttpFilterConfig[];
  readonly accessLogs: readonly AccessLogConfig[];
  readonly timers: {
    readonly idleTimeoutMs: number;
    readonly streamIdleTimeoutMs: number;
    readonly requestTimeoutMs: number;
    readonly requestHeadersTimeoutMs: number;
    /** Between the two GOAWAYs. */
    readonly drainTimeoutMs: number;
    /** Of one connection, then it is drained; 0: no bound. */
    readonly connectionLifetimeMs: number;
    /** Of one stream, with everything; 0: no bound. */
    readonly streamLifetimeMs: number;
  };
  readonly limits: {
    readonly headersBytesMax: number;
    readonly headersMax: number;
    readonly concurrentStreamsMax: number;
    /** Of one connection, then it is drained; 0: no bound. */
    readonly requestsPerConnectionMax: number;
    /** What may wait to be written in one direction. */
    readonly bufferBytesMax: number;
  };
  /** How many proxies before this one are trusted to have told the truth. */
  readonly trustedHops: number;
  /** Whether the address of the connection counts, and not X-Forwarded-For alone. */
  readonly usesRemoteAddress: boolean;
  /** Whether the client's address is added to X-Forwarded-For. */
  readonly appendsForwardedFor: boolean;
  /** Whether a request without X-Request-Id gets one. */
  readonly generatesRequestId: boolean;
  /** Whether an X-Request-Id from outside is kept. */
  readonly keepsRequestId: boolean;
  /** What is added to Via; "": nothing. */
  readonly via: string;
  readonly path: {
    /** RFC 3986 §6: dot segments, and letters that were encoded without need. */
    readonly normalize: boolean;
    readonly mergeSlashes: boolean;
    readonly escapedSlashes: "keep" | "reject" | "unescape-and-redirect" | "unescape-and-forward";
  };
  /** In lower case. */
  readonly upgrades: readonly string[];
  readonly serverName: string;
  readonly serverHeader: "overwrite" | "append-if-absent" | "pass-through";
}

/** Where a line for each request goes. */
export interface AccessLogConfig {
  /** "/dev/stdout", or a file. */
  readonly path: string;
  readonly line: LineFormat;
}
