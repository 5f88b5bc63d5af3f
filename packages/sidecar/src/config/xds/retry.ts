// When to try again, and when to have two tries at once. A policy is taken whole: a route's own one
// takes the place of its virtual host's.
import type { HedgeConfig, RetryConfig, RetryOn } from "../route-config.ts";
import {
  anyOf,
  defaulted,
  label,
  type Message,
  message,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { shown } from "../schema/node.ts";
import {
  bool,
  choice,
  duration,
  headerName,
  integer,
  list,
  positiveDuration,
  type Reader,
  refine,
  someOf,
  text,
  Unsupported,
  uint32,
} from "../schema/reader.ts";
import { fractionalPercent } from "./types.ts";

const conditions: ReadonlySet<string> = new Set<RetryOn>([
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

const retryOn: Reader<ReadonlySet<RetryOn>> = refine(text, (value, node) => {
  const names = value.split(",").map((one) => one.trim());
  const on = new Set<RetryOn>();
  for (const one of names) {
    if (one === "") continue;
    if (!conditions.has(one)) {
      return node.fail(
        `${shown(one)} is no condition that is known`,
        `choose from ${[...conditions].join(", ")}`,
      );
    }
    on.add(one as RetryOn);
  }
  return on;
});

const backoff = message(
  "envoy.config.route.v3.RetryPolicy.RetryBackOff",
  { base_interval: required(positiveDuration), max_interval: optional(positiveDuration) },
  ({ baseInterval, maxInterval }, node) => {
    const maxMs = maxInterval ?? 10 * baseInterval;
    if (maxMs >= baseInterval) return { baseMs: baseInterval, maxMs };
    return node.fail(
      `max_interval is shorter than base_interval (${maxMs} < ${baseInterval} ms)`,
      "lengthen it",
    );
  },
);

const resetHeader = message(
  "envoy.config.route.v3.RetryPolicy.ResetHeader",
  {
    name: required(
      refine(headerName, (header, node) => {
        if (header === "retry-after") return header;
        return node.fail(`${shown(header)} is not looked at`, "name Retry-After");
      }),
    ),
    format: defaulted(
      choice("ResetHeaderFormat", {
        SECONDS: "seconds",
        UNIX_TIMESTAMP: new Unsupported("Retry-After counts seconds or is a date (RFC 9110)"),
      }),
      "seconds",
    ),
  },
  () => undefined,
);

const rateLimited = message(
  "envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff",
  {
    reset_headers: required(someOf(resetHeader)),
    max_interval: defaulted(positiveDuration, 300_000),
  },
  ({ maxInterval }) => maxInterval,
);

const previousHosts = message(
  "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
  {},
  () => undefined,
);

const hostPredicate = message(
  "envoy.config.route.v3.RetryPolicy.RetryHostPredicate",
  {
    name: label("the type of typed_config decides"),
    typed_config: required(anyOf(previousHosts)),
  },
  () => undefined,
);

/** When and how often to try again. */
export const retryPolicy: Message<RetryConfig> = message(
  "envoy.config.route.v3.RetryPolicy",
  {
    retry_on: defaulted(retryOn, new Set<RetryOn>()),
    num_retries: defaulted(integer(0, 100), 1),
    per_try_timeout: defaulted(duration, 0),
    per_try_idle_timeout: defaulted(duration, 0),
    retriable_status_codes: defaulted(list(integer(100, 599)), []),
    retry_back_off: optional(backoff),
    rate_limited_retry_back_off: optional(rateLimited),
    retry_host_predicate: defaulted(list(hostPredicate), []),
    host_selection_retry_max_attempts: defaulted(integer(0, 100, "int64"), 1),
    retry_priority: refused("take it out: retries go by the priorities of the cluster"),
    retry_options_predicates: refused("take them out"),
    retriable_headers: refused("use retry_on and retriable_status_codes"),
    retriable_request_headers: refused("give those requests a route of their own"),
  },
  (values) => ({
    on: values.retryOn,
    statusCodes: new Set(values.retriableStatusCodes),
    retries: values.numRetries,
    perTryTimeoutMs: values.perTryTimeout,
    perTryIdleTimeoutMs: values.perTryIdleTimeout,
    backoff: values.retryBackOff ?? { baseMs: 25, maxMs: 250 },
    retryAfterMsMax: values.rateLimitedRetryBackOff ?? 0,
    // Envoy looks for another host only where a predicate says that this one will not do.
    hostSelectionAttempts:
      values.retryHostPredicate.length === 0 ? 0 : values.hostSelectionRetryMaxAttempts,
  }),
);

/** A second attempt beside the first. */
export const hedgePolicy: Message<HedgeConfig> = message(
  "envoy.config.route.v3.HedgePolicy",
  {
    initial_requests: defaulted(
      refine(uint32, (count, node) => {
        return count === 1 ? 1 : node.fail(`must be 1, got ${count}`, "hedge on per_try_timeout");
      }),
      1,
    ),
    additional_request_chance: defaulted(
      refine(fractionalPercent, (fraction, node) => {
        return fraction === 0
          ? fraction
          : node.fail("is not taken", "take it out: hedge on per_try_timeout");
      }),
      0,
    ),
    hedge_on_per_try_timeout: defaulted(bool, false),
  },
  (values) => ({
    onPerTryTimeout: values.hedgeOnPerTryTimeout,
    initialRequests: values.initialRequests,
  }),
);
