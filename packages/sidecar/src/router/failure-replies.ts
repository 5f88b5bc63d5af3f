// What a client is told when upstream has not answered: Envoy's status, letters and words for each
// way in which that happens.
import type { Failure } from "./attempt.ts";
import type { LocalReply } from "./local-reply.ts";

/** The whole request took too long. */
export const timeoutReply: LocalReply = {
  status: 504,
  text: "upstream did not answer in time",
  grpcStatus: 4,
  flag: "UT",
  details: "response_timeout",
};

/** A single try took too long, and there is no other. */
export const tryTimeoutReply: LocalReply = {
  ...timeoutReply,
  details: "upstream_per_try_timeout",
};

/** The request took too long to arrive. */
export const requestTimeoutReply: LocalReply = {
  status: 408,
  text: "the request did not arrive in time",
  details: "request_overall_timeout",
};

/** The stream lived too long. */
export const lifetimeReply: LocalReply = {
  status: 408,
  text: "the stream lived too long",
  flag: "DT",
  details: "max_duration_timeout",
};

/** Neither side has sent anything. */
export const idleReply: LocalReply = {
  status: 504,
  text: "nothing was sent for too long",
  grpcStatus: 4,
  flag: "SI",
  details: "stream_idle_timeout",
};

/** The answer to a request that no attempt has answered. */
export function replyTo({ reason }: Pick<Failure, "reason">): LocalReply {
  switch (reason) {
    case "protocol-error":
      return {
        status: 502,
        text: "upstream sent what is not HTTP",
        flag: "UPE",
        details: "upstream_reset_before_response_started{protocol_error}",
      };
    case "overload":
      return {
        status: 504,
        text: "upstream was silent for too long",
        grpcStatus: 4,
        flag: "SI",
        details: "stream_idle_timeout",
      };
    case "overflow":
      return {
        status: 503,
        text: "too many requests are under way to the cluster",
        fields: [["x-envoy-overloaded", "true"]],
        flag: "UO",
        details: "upstream_reset_before_response_started{overflow}",
      };
    case "connect-timeout":
      return {
        status: 503,
        text: "no connection to upstream in time",
        flag: "UF",
        details: "upstream_reset_before_response_started{connection_timeout}",
      };
    case "connect-failure":
      return {
        status: 503,
        text: "no connection to upstream",
        flag: "UF",
        details: "upstream_reset_before_response_started{connection_failure}",
      };
    case "refused":
    case "cancelled":
      return {
        status: 503,
        text: "upstream reset the stream before it answered",
        flag: "UR",
        details: "upstream_reset_before_response_started{remote_reset}",
      };
    default:
      return {
        status: 503,
        text: "upstream closed the connection before it answered",
        flag: "UC",
        details: "upstream_reset_before_response_started{connection_termination}",
      };
  }
}
