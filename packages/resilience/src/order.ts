// Orders of policies that cannot do what their author meant. Each rule names two kinds, outer and
// inner, and what would happen; everything else is a matter of taste, and allowed.
import type { Policy, PolicyKind } from "./policy.ts";

interface Rule {
  outer: PolicyKind;
  inner: PolicyKind;
  because: string;
}

const RULES: readonly Rule[] = [
  {
    outer: "retry",
    inner: "fallback",
    because: "the fallback answers every failure, so the retry never sees one: put it outside",
  },
  {
    outer: "hedge",
    inner: "fallback",
    because: "the first failure's fallback would win over the attempts still out: put it outside",
  },
  {
    outer: "circuit-breaker",
    inner: "fallback",
    because: "the fallback hides every failure from the breaker: put it outside",
  },
  {
    outer: "retry",
    inner: "retry",
    because: "attempts multiply: 3 around 3 are 9 calls for 1; keep one of them",
  },
  {
    outer: "hedge",
    inner: "retry",
    because: "each hedge would retry by itself, and attempts multiply: put the retry outside",
  },
  {
    outer: "hedge",
    inner: "single-flight",
    because: "the hedge would join the very call that it should outrun: put it inside",
  },
  {
    outer: "retry",
    inner: "single-flight",
    because: "callers that share one flight would each retry it: put the retry inside",
  },
  {
    outer: "timeout",
    inner: "single-flight",
    because: "one caller's timeout cannot end the flight that others wait for: put it inside",
  },
  {
    outer: "bulkhead",
    inner: "shed",
    because: "the shedder cannot see how long calls wait outside it: put it outside",
  },
  {
    outer: "adaptive-limit",
    inner: "shed",
    because: "the shedder cannot see how long calls wait outside it: put it outside",
  },
  {
    outer: "adaptive-limit",
    inner: "retry",
    because: "it would measure attempts and back-off together as one call: put the retry outside",
  },
  {
    outer: "adaptive-limit",
    inner: "hedge",
    because: "it would count two attempts in flight as one call: put the hedge outside",
  },
  {
    outer: "adaptive-limit",
    inner: "fallback",
    because: "the fallback hides the timeouts by which the limit learns: put it outside",
  },
];

// Who counts the work that runs, and who may answer before the work has ended.
const COUNTS: ReadonlySet<PolicyKind> = new Set(["bulkhead", "adaptive-limit", "shed"]);
const GIVES_UP: ReadonlySet<PolicyKind> = new Set([
  "timeout",
  "deadline",
  "hedge",
  "single-flight",
  "custom",
]);

/** Whether a policy that counts running work stands outside one that may give up on it. */
export function losesSight(policies: readonly Policy<unknown>[]): boolean {
  const first = policies.findIndex(({ kind }) => COUNTS.has(kind));
  return first !== -1 && policies.slice(first).some(({ kind }) => GIVES_UP.has(kind));
}

/** Throws a TypeError for policies that are listed twice, or stand in an order that cannot work. */
export function checkOrder(policies: readonly Policy<unknown>[]): void {
  for (const [i, policy] of policies.entries()) {
    if (typeof policy?.run !== "function") {
      throw new TypeError(`policy ${i} must have a method "run", got ${String(policy)}`);
    }
  }
  for (const [i, outer] of policies.entries()) {
    for (const inner of policies.slice(i + 1)) {
      if (inner === outer) {
        throw new TypeError(`the same ${outer.kind} stands twice in the pipeline; keep one`);
      }
      const rule = RULES.find((rule) => rule.outer === outer.kind && rule.inner === inner.kind);
      if (rule !== undefined) {
        throw new TypeError(`${inner.kind} inside ${outer.kind} cannot work: ${rule.because}`);
      }
    }
  }
}
