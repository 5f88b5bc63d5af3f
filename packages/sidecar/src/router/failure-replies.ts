// What a client is told when upstream has not answered: Envoy's status, letters and words for each
// way in which that happens.
import type { Failure } from "./attempt.ts";
import type { LocalReply } from "./local-reply.ts";
import type { LateReason } from "./request-timers.ts";
import type { ResponseFlag } from "./response-flags.ts";

// gRPC's DEADLINE_EXCEEDED.
const grpcStatus = 4;

/**
 * The answer to a request that has taken too long. Before all of it has come that is the client's
 * doing (408), after that it is upstream's (504).
 */
export function lateReply(reason: LateReason, hasRequest: boolean): LocalReply {
  const status = hasRequest ? 504 : 408;
  switch (reason) {
    case "request":
      return {
        status,
        text: "the request did not arrive in time",
        grpcStatus,
        details: "request_overall_timeout",
      };
    case "response":
      return {
        status: 504,
        text: "upstream did not answer in time",
        grpcStatus,
        flag: "UT",
        details: "response_timeout",
      };
    case "lifetime":
      return {
        status,
        text: "the stream lived too long",
        grpcStatus,
        flag: "DT",
        details: "max_duration_timeout",
      };
    case "idle":
      return {
        status,
        text: "nothing was sent for too long",
        grpcStatus,
        flag: "SI",
        details: "stream_idle_timeout",
      };
  }
}

/** Which time of a single try is over. */
export type TryTimeout = "time" | "idle";

/** A single try took too long, and there is no other. */
export function tryTimeoutReply(timeout: TryTimeout): LocalReply {
  return {
    status: 504,
    text: "upstream did not answer in time",
    grpcStatus,
    flag: "UT",
    details: timeout === "time" ? "upstream_per_try_timeout" : "upstream_per_try_idle_timeout",
  };
}

/** No host can be used. */
export const noHostReply: LocalReply = {
  status: 503,
  text: "no host of the cluster can be used",
  flag: "UH",
  details: "no_healthy_upstream",
};

/** The answer to a request that no attempt has answered, or why an answer broke off. */
export function replyTo({ reason, hasResponse }: Failure): LocalReply & { flag: ResponseFlag } {
  const when = hasResponse ? "after" : "before";
  const details = (word: string): string => `upstream_reset_${when}_response_started{${word}}`;
  switch (reason) {
    case "protocol-error":
      return {
        status: 502,
        text: "upstream sent what is not HTTP",
        flag: "UPE",
        details: details("protocol_error"),
      };
    case "overflow":
      return {
        status: 503,
        text: "too many requests are under way to the cluster",
        fields: [["x-envoy-overloaded", "true"]],
        flag: "UO",
        details: details("overflow"),
      };
    case "connect-timeout":
      return {
        status: 503,
        text: "no connection to upstream in time",
        flag: "UF",
        details: details("connection_timeout"),
      };
    case "connect-failure":
      return {
        status: 503,
        text: "no connection to upstream",
        flag: "UF",
        details: details("remote_connection_failure"),
      };
    case "refused":
    case "cancelled":
    case "overload":
      return {
        status: 503,
        text: "upstream reset the stream before it answered",
        flag: "UR",
        details: details(reason === "refused" ? "remote_refused_stream_reset" : "remote_reset"),
      };
    case "local":
    case "closed":
      return {
        status: 503,
        text: "the request was given up",
        flag: "LR",
        details: details("local_reset"),
      };
    case "connection-failure":
    case "connection-termination":
      return {
        status: 503,
        text: "upstream closed the connection before it answered",
        flag: "UC",
        details: details("connection_termination"),
      };
  }
}
