// Pairs of orders, and a load that tells them apart.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  bulkhead,
  circuitBreaker,
  fallback,
  type Policy,
  retry,
  timeout,
} from "@compendium/resilience";
import {
  failedWith,
  fallBack,
  type Load,
  type Outcome,
  runLoad,
  share,
  type World,
  waited,
} from "./load.ts";

/** One question about an order, and how to see the answer. */
export interface Experiment {
  readonly name: string;
  readonly asks: string;
  readonly load: Load;
  readonly orders: Readonly<Record<string, (world: World) => readonly Policy<unknown>[]>>;
  readonly columns: Readonly<Record<string, (outcome: Outcome) => string | number>>;
}

const tries = ({ random }: World, baseMs = 50) =>
  retry({ attemptsMax: 3, backoff: { baseMs }, random });

const RESTS = { openForMs: 1_000, openForMsMax: 2_000 };

const breaker = ({ clock, random }: World) =>
  circuitBreaker(new CircuitBreaker({ clock, random, ...RESTS }));

// A pipeline refuses a fallback inside a retry. Here it is to be seen why.
function disguised<A>(policy: Policy<A>): Policy<A> {
  return { kind: "custom", run: (call, next) => policy.run(call, next) };
}

/** An experiment's outcome as a Markdown table. */
export async function tableOf({ load, orders, columns }: Experiment): Promise<string[]> {
  const lines = [
    `| order, outermost first | ${Object.keys(columns).join(" | ")} |`,
    `| --- |${" ---: |".repeat(Object.keys(columns).length)}`,
  ];
  for (const [order, make] of Object.entries(orders)) {
    const outcome = await runLoad(load, make);
    const cells = Object.values(columns).map((read) => read(outcome));
    lines.push(`| ${order} | ${cells.join(" | ")} |`);
  }
  return lines;
}

const answered = (outcome: Outcome) => share(outcome.answered, outcome);

export const experiments: readonly Experiment[] = [
  {
    name: "retry and circuit breaker, an outage",
    asks: "100 calls a second; the dependency fails at once from 5 s to 15 s.",
    load: {
      calls: 3_000,
      everyMs: 10,
      workMs: 20,
      behaves: (atMs) => (atMs >= 5_000 && atMs < 15_000 ? "fails" : "answers"),
    },
    orders: {
      "retry, breaker": (world) => [tries(world), breaker(world)],
      "breaker, retry": (world) => [breaker(world), tries(world)],
    },
    columns: {
      "calls answered": answered,
      "attempts at the failing dependency": ({ attemptsWhileDown }) => attemptsWhileDown,
    },
  },
  {
    name: "retry and circuit breaker, a bad day",
    asks: "100 calls a second; 45 attempts in 100 fail, at random.",
    load: {
      calls: 5_000,
      everyMs: 10,
      workMs: 20,
      behaves: (_, draw) => (draw < 45 ? "fails" : "answers"),
    },
    orders: {
      "retry, breaker": (world) => [tries(world), breaker(world)],
      "breaker, retry": (world) => [breaker(world), tries(world)],
    },
    columns: {
      "calls answered": answered,
      "refused by an open circuit": (outcome) => failedWith("CIRCUIT_OPEN", outcome),
    },
  },
  {
    name: "timeout and retry",
    asks: "100 calls a second, 20 ms each; 10 attempts in 100 hang.",
    load: {
      calls: 5_000,
      everyMs: 10,
      workMs: 20,
      behaves: (_, draw) => (draw < 10 ? "hangs" : "answers"),
    },
    orders: {
      "retry, timeout of 100 ms": (world) => [tries(world, 10), timeout({ timeoutMs: 100 })],
      "timeout of 100 ms, retry": (world) => [timeout({ timeoutMs: 100 }), tries(world, 10)],
      "timeout of 250 ms, retry, timeout of 100 ms": (world) => [
        timeout({ timeoutMs: 250 }),
        tries(world, 10),
        timeout({ timeoutMs: 100 }),
      ],
    },
    columns: {
      "calls answered": answered,
      "p99 wait": (outcome) => waited(outcome, 99),
      "longest wait": (outcome) => waited(outcome, 100),
    },
  },
  {
    name: "bulkhead and retry",
    asks: "100 calls a second, 50 ms each; 30 attempts in 100 fail; 10 places; back-offs of up to 400 ms.",
    load: {
      calls: 5_000,
      everyMs: 10,
      workMs: 50,
      behaves: (_, draw) => (draw < 30 ? "fails" : "answers"),
    },
    orders: {
      "retry, bulkhead": (world) => [tries(world, 200), bulkhead({ concurrencyMax: 10 })],
      "bulkhead, retry": (world) => [bulkhead({ concurrencyMax: 10 }), tries(world, 200)],
    },
    columns: {
      "calls answered": answered,
      "refused: no place": (outcome) => failedWith("BULKHEAD_FULL", outcome),
      "at the dependency at once": ({ runningMax }) => runningMax,
    },
  },
  {
    name: "timeout and bulkhead",
    asks: "100 calls a second, 20 ms each; from 2 s to 4 s all hang, deaf to their abort for a minute; 10 places, 10 may wait.",
    load: {
      calls: 600,
      everyMs: 10,
      workMs: 20,
      behaves: (atMs) => (atMs >= 2_000 && atMs < 4_000 ? "hangs" : "answers"),
      heedsAbort: false,
    },
    orders: {
      "timeout of 200 ms, bulkhead": () => [timeout({ timeoutMs: 200 }), places()],
      "bulkhead, timeout of 200 ms": () => [places(), timeout({ timeoutMs: 200 })],
    },
    columns: {
      "longest wait": (outcome) => waited(outcome, 100),
      "at the dependency at once": ({ runningMax }) => runningMax,
    },
  },
  {
    name: "fallback and retry",
    asks: "100 calls a second; 30 attempts in 100 fail. A pipeline refuses the second order.",
    load: {
      calls: 5_000,
      everyMs: 10,
      workMs: 20,
      behaves: (_, draw) => (draw < 30 ? "fails" : "answers"),
    },
    orders: {
      "fallback, retry": (world) => [fallback(fallBack), tries(world)],
      "retry, fallback": (world) => [tries(world), disguised(fallback(fallBack))],
    },
    columns: {
      "answered by the dependency": answered,
      "by the fallback": (outcome) => share(outcome.fellBack, outcome),
    },
  },
];

function places() {
  return bulkhead({ concurrencyMax: 10, queue: { lengthMax: 10 } });
}
