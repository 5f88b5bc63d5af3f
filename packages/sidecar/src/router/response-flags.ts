// Why a response is not what it should be: Envoy's letters for the access log. A response that
// upstream sent and the client got whole has none.
//
// https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage

/** Envoy's letters, each with what it stands for. */
export const responseFlags = {
  UH: "no healthy host in the cluster",
  UF: "no connection to upstream",
  UO: "a circuit breaker was at its limit",
  NR: "no route",
  NC: "no such cluster",
  URX: "retries, or attempts to connect, were used up",
  UT: "upstream did not answer in time",
  UR: "upstream reset the stream",
  UC: "upstream closed the connection",
  UPE: "upstream sent what is not HTTP",
  DC: "the client went away",
  DPE: "the client sent what is not HTTP",
  LR: "reset from here",
  SI: "neither side sent anything for too long",
  DT: "the stream lived too long",
  RL: "a rate limit refused it",
  DI: "delayed on purpose",
  FI: "aborted on purpose",
  OM: "more than this proxy takes",
} as const;

/** One of {@link responseFlags}. */
export type ResponseFlag = keyof typeof responseFlags;

/** "UF,URX". */
export function joinedFlags(flags: ReadonlySet<ResponseFlag>): string {
  return [...flags].join(",");
}
