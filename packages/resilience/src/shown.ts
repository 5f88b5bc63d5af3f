// What each kind of policy shows, as tables: the name of the metric without its first word, what it
// means, and where the number stands. The compiler holds the tables against the `stats()` they
// read.
import type { AdaptiveLimitStats, PartitionStats } from "./adaptive-limit.ts";
import type { AdmissionStats } from "./admission.ts";
import type { BulkheadStats } from "./bulkhead.ts";
import type { DeadlineStats } from "./deadline.ts";
import type { FallbackStats } from "./fallback.ts";
import type { HedgeStats } from "./hedge.ts";
import type { LoadShedderStats } from "./load-shedder.ts";
import type { RetryStats } from "./retry.ts";
import type { RetryBudgetStats } from "./retry-budget.ts";
import type { SingleFlightStats } from "./single-flight.ts";
import type { ThrottleStats } from "./throttle.ts";
import type { TimeoutStats } from "./timeout.ts";

/** A metric of one kind of policy: one number, or one for each value of a label. */
export interface Row<S> {
  /** After `resilience_`; a counter if it ends in `_total`, else a gauge. */
  readonly name: string;
  readonly help: string;
  readonly value?: (stats: S) => number;
  readonly by?: {
    readonly label: string;
    readonly values: Readonly<Record<string, (stats: S) => number>>;
  };
  /** Where the values of the label are the policy's own: the classes that it was made with. */
  readonly byClass?: (stats: PartitionStats) => number;
}

interface StatsOf {
  readonly retry: RetryStats;
  readonly "retry-budget": RetryBudgetStats;
  readonly timeout: TimeoutStats;
  readonly bulkhead: BulkheadStats;
  readonly "adaptive-limit": AdaptiveLimitStats;
  readonly fallback: FallbackStats;
  readonly hedge: HedgeStats;
  readonly "single-flight": SingleFlightStats;
  readonly deadline: DeadlineStats;
  readonly admission: AdmissionStats;
  readonly throttle: ThrottleStats;
  readonly shed: LoadShedderStats;
}

const retry: readonly Row<RetryStats>[] = [
  {
    name: "retry_calls_total",
    help: "Calls through a retry that have ended, by how.",
    by: {
      label: "outcome",
      values: {
        first_time: (stats) => stats.firstTime,
        after_retry: (stats) => stats.afterRetry,
        failed: (stats) => stats.failed,
        cancelled: (stats) => stats.cancelled,
      },
    },
  },
  {
    name: "retry_retries_total",
    help: "Attempts made besides the first.",
    value: (stats) => stats.retries,
  },
  {
    name: "retry_withheld_total",
    help: "Retries not made, by what stood in the way.",
    by: {
      label: "reason",
      values: {
        over_budget: (stats) => stats.overBudget,
        not_idempotent: (stats) => stats.notIdempotent,
        too_late: (stats) => stats.tooLate,
      },
    },
  },
];

const budget: readonly Row<RetryBudgetStats>[] = [
  {
    name: "retry_budget_tokens",
    help: "Retries that could be paid for now.",
    value: (stats) => stats.tokens,
  },
  {
    name: "retry_budget_retries_total",
    help: "Retries that were asked for, by whether they were paid for.",
    by: {
      label: "outcome",
      values: { granted: (stats) => stats.granted, denied: (stats) => stats.denied },
    },
  },
];

const timeout: readonly Row<TimeoutStats>[] = [
  {
    name: "timeout_attempts_total",
    help: "Attempts under a timeout that have ended, by how.",
    by: {
      label: "outcome",
      values: {
        in_time: (stats) => stats.inTime,
        timed_out: (stats) => stats.timedOut,
        cancelled: (stats) => stats.cancelled,
      },
    },
  },
];

const bulkhead: readonly Row<BulkheadStats>[] = [
  {
    name: "bulkhead_calls_total",
    help: "Calls that came to a bulkhead, by what became of them.",
    by: {
      label: "outcome",
      values: {
        admitted: (stats) => stats.admitted,
        refused: (stats) => stats.refused,
        shed: (stats) => stats.shed,
      },
    },
  },
  {
    name: "bulkhead_running",
    help: "Calls whose work runs.",
    value: (stats) => stats.running,
  },
  {
    name: "bulkhead_waiting",
    help: "Calls that wait for a place.",
    value: (stats) => stats.waiting,
  },
];

const adaptiveLimit: readonly Row<AdaptiveLimitStats>[] = [
  {
    name: "adaptive_limit_places",
    help: "How many calls may be in flight now.",
    value: (stats) => stats.limit,
  },
  {
    name: "adaptive_limit_calls_total",
    help: "Calls that came to an adaptive limit, by what became of them.",
    by: {
      label: "outcome",
      values: {
        admitted: (stats) => stats.admitted,
        refused: (stats) => stats.refused,
        shed: (stats) => stats.shed,
      },
    },
  },
  {
    name: "adaptive_limit_dropped_total",
    help: "Calls that counted as losses.",
    value: (stats) => stats.dropped,
  },
  {
    name: "adaptive_limit_ignored_total",
    help: "Calls that moved nothing: given up, refused further in, or failed.",
    value: (stats) => stats.ignored,
  },
  {
    name: "adaptive_limit_in_flight",
    help: "Calls in flight, by class.",
    byClass: (stats) => stats.inFlight,
  },
  {
    name: "adaptive_limit_waiting",
    help: "Calls that wait for a place, by class.",
    byClass: (stats) => stats.waiting,
  },
  {
    name: "adaptive_limit_turned_away_total",
    help: "Calls refused at once or after a wait, by class.",
    byClass: (stats) => stats.refused + stats.shed,
  },
];

const fallback: readonly Row<FallbackStats>[] = [
  {
    name: "fallback_failures_total",
    help: "Failures that came to a fallback, by whether it had an answer.",
    by: {
      label: "outcome",
      values: { answered: (stats) => stats.answered, failed: (stats) => stats.failed },
    },
  },
];

const hedge: readonly Row<HedgeStats>[] = [
  {
    name: "hedge_calls_total",
    help: "Calls that might have been hedged.",
    value: (stats) => stats.calls,
  },
  {
    name: "hedge_hedges_total",
    help: "Attempts made besides the first, because it took long.",
    value: (stats) => stats.hedges,
  },
  {
    name: "hedge_wins_total",
    help: "Calls that another attempt than the first answered.",
    value: (stats) => stats.wonByHedge,
  },
  {
    name: "hedge_withheld_total",
    help: "Hedges not made, by what stood in the way.",
    by: {
      label: "reason",
      values: {
        over_budget: (stats) => stats.overBudget,
        unmeasured: (stats) => stats.unmeasured,
        not_idempotent: (stats) => stats.notIdempotent,
      },
    },
  },
  {
    name: "hedge_delay_seconds",
    help: "After how long the last call would have been hedged; NaN: not at all.",
    value: ({ delayMs = Number.NaN }) => delayMs / 1_000,
  },
];

const singleFlight: readonly Row<SingleFlightStats>[] = [
  {
    name: "single_flight_flights_total",
    help: "Flights begun: the work that was done.",
    value: (stats) => stats.flights,
  },
  {
    name: "single_flight_joined_total",
    help: "Calls that joined a flight: the work that was saved.",
    value: (stats) => stats.joined,
  },
  {
    name: "single_flight_alone_total",
    help: "Calls that shared with nobody: no key, or too many keys.",
    value: (stats) => stats.alone,
  },
  {
    name: "single_flight_relieved_total",
    help: "Flights begun because those in the air were too old.",
    value: (stats) => stats.relieved,
  },
  {
    name: "single_flight_abandoned_total",
    help: "Flights aborted because every caller had gone.",
    value: (stats) => stats.abandoned,
  },
  { name: "single_flight_keys", help: "Keys in the air.", value: (stats) => stats.keys },
  {
    name: "single_flight_waiting",
    help: "Calls that wait for a flight.",
    value: (stats) => stats.waiting,
  },
];

const deadline: readonly Row<DeadlineStats>[] = [
  {
    name: "deadline_bounded_total",
    help: "Calls whose deadline was set or shortened.",
    value: (stats) => stats.bounded,
  },
  {
    name: "deadline_not_started_total",
    help: "Calls that came after their deadline, and were not started.",
    value: (stats) => stats.notStarted,
  },
  {
    name: "deadline_exceeded_total",
    help: "Calls that were given up on when their deadline passed.",
    value: (stats) => stats.exceeded,
  },
];

const admission: readonly Row<AdmissionStats>[] = [
  {
    name: "admission_calls_total",
    help: "Calls that a limiter judged, by how.",
    by: {
      label: "outcome",
      values: { admitted: (stats) => stats.admitted, refused: (stats) => stats.refused },
    },
  },
  {
    name: "admission_delayed_total",
    help: "Calls admitted after a wait.",
    value: (stats) => stats.delayed,
  },
  {
    name: "admission_limiter_errors_total",
    help: "Calls that the limiter did not answer.",
    value: (stats) => stats.limiterErrors,
  },
  {
    name: "admission_waiting",
    help: "Calls that wait for their turn.",
    value: (stats) => stats.waiting,
  },
];

const throttle: readonly Row<ThrottleStats>[] = [
  {
    name: "throttle_calls_total",
    help: "Calls that came to a client's throttle, by what became of them.",
    by: {
      label: "outcome",
      values: { admitted: (stats) => stats.admitted, refused: (stats) => stats.refused },
    },
  },
  {
    name: "throttle_refusal_ratio",
    help: "With which probability the next call is refused.",
    value: (stats) => stats.refusalShare,
  },
  {
    name: "throttle_window_requests",
    help: "Calls within the window that the application wanted.",
    value: (stats) => stats.requests,
  },
  {
    name: "throttle_window_accepts",
    help: "Calls within the window that the backend accepted.",
    value: (stats) => stats.accepts,
  },
];

const shed: readonly Row<LoadShedderStats>[] = [
  {
    name: "shedder_admitted_total",
    help: "Calls that a load shedder let in.",
    value: (stats) => stats.admitted,
  },
  {
    name: "shedder_shed_total",
    help: "Calls that a load shedder turned away, by how much they mattered.",
    by: {
      label: "criticality",
      values: {
        "critical-plus": (stats) => stats.shed["critical-plus"],
        critical: (stats) => stats.shed.critical,
        "sheddable-plus": (stats) => stats.shed["sheddable-plus"],
        sheddable: (stats) => stats.shed.sheddable,
      },
    },
  },
  {
    name: "shedder_late_total",
    help: "Calls that were past their deadline before their work began.",
    value: (stats) => stats.late,
  },
  {
    name: "shedder_pressure",
    help: "What is turned away: nobody at 0, everybody at 4.",
    value: (stats) => stats.pressure,
  },
  {
    name: "shedder_delay_seconds",
    help: "The smallest queueing delay of the last interval.",
    value: (stats) => stats.delayMs / 1_000,
  },
  {
    name: "shedder_in_flight",
    help: "Calls let in whose work is not over.",
    value: (stats) => stats.inFlight,
  },
  {
    name: "shedder_waiting",
    help: "Calls let in whose work has not begun.",
    value: (stats) => stats.waiting,
  },
];

/** The tables, by the `kind` of the policy. */
export const SHOWN: { readonly [K in keyof StatsOf]: readonly Row<StatsOf[K]>[] } = {
  retry,
  "retry-budget": budget,
  timeout,
  bulkhead,
  "adaptive-limit": adaptiveLimit,
  fallback,
  hedge,
  "single-flight": singleFlight,
  deadline,
  admission,
  throttle,
  shed,
};
