// One request against all the rules of a limiter: decided together, and charged only if all allow.
//
// The verbs of a table (rule.ts) in their order. All rules are settled and asked before the first
// is charged, or a refusal by the last one would have to be undone.
import type { Decision } from "./decision.ts";
import type { Rule, Table } from "./rule.ts";

/**
 * Decides on a row of these tables; takes `cost` if `charge` and all rules allow. A turn in a queue
 * that is further away than `delayUsMax` is a refusal.
 */
export function decide(
  tables: readonly Table[],
  rules: readonly Rule[],
  row: number,
  nowUs: number,
  cost: number,
  charge: boolean,
  delayUsMax: number = Infinity,
): Decision {
  if (rules.length > 1) return decideTogether(tables, rules, row, nowUs, cost, charge, delayUsMax);
  // Most limiters have one rule, and what it says is the answer.
  const table = tables[0]!;
  const rule = rules[0]!;
  table.settle(row, rule, nowUs);
  let waitUs = table.waitUs(row, rule, nowUs, cost);
  const delayUs = waitUs === 0 ? turnUs(table, row, rule, nowUs) : 0;
  if (delayUs > delayUsMax) waitUs = delayUs - delayUsMax;
  const lease = charge && waitUs === 0 ? table.charge(row, rule, nowUs, cost) : 0;
  const remaining = table.remaining(row, rule, nowUs);
  return decisionOf(rule, waitUs, remaining, delayUs, table.fullUs(row, rule) - nowUs, lease);
}

/** In how many µs `cost` fits on a settled row, and leaky buckets have a turn; each 0 for now. */
export function waitsUs(
  tables: readonly Table[],
  rules: readonly Rule[],
  row: number,
  nowUs: number,
  cost: number,
): { placeUs: number; turnUs: number } {
  const waits = { placeUs: 0, turnUs: 0 };
  for (const [i, table] of tables.entries()) {
    waits.placeUs = Math.max(waits.placeUs, table.waitUs(row, rules[i]!, nowUs, cost));
    waits.turnUs = Math.max(waits.turnUs, turnUs(table, row, rules[i]!, nowUs));
  }
  return waits;
}

function decideTogether(
  tables: readonly Table[],
  rules: readonly Rule[],
  row: number,
  nowUs: number,
  cost: number,
  charge: boolean,
  delayUsMax: number,
): Decision {
  let binding = 0;
  let queue = 0;
  let waitUs = 0;
  let delayUs = 0;
  for (const [i, table] of tables.entries()) {
    const rule = rules[i]!;
    table.settle(row, rule, nowUs);
    const ruleWaitUs = table.waitUs(row, rule, nowUs, cost);
    if (ruleWaitUs > waitUs) {
      binding = i;
      waitUs = ruleWaitUs;
    }
    const ruleDelayUs = turnUs(table, row, rule, nowUs);
    if (ruleDelayUs <= delayUs) continue;
    queue = i;
    delayUs = ruleDelayUs;
  }
  if (waitUs === 0 && delayUs > delayUsMax) {
    binding = queue;
    waitUs = delayUs - delayUsMax;
  }
  let lease = 0;
  let remaining = Infinity;
  for (const [i, table] of tables.entries()) {
    if (charge && waitUs === 0) lease = table.charge(row, rules[i]!, nowUs, cost) || lease;
    const ruleRemaining = table.remaining(row, rules[i]!, nowUs);
    if (ruleRemaining > remaining) continue;
    const isScarcer = ruleRemaining < remaining;
    remaining = ruleRemaining;
    // Of two that have the same left, the one that will have more later says more.
    if (waitUs === 0 && (isScarcer || isFullLater(tables, rules, row, nowUs, i, binding)))
      binding = i;
  }
  const rule = rules[binding]!;
  const resetUs = tables[binding]!.fullUs(row, rule) - nowUs;
  return decisionOf(rule, waitUs, remaining, delayUs, resetUs, lease);
}

function isFullLater(
  tables: readonly Table[],
  rules: readonly Rule[],
  row: number,
  nowUs: number,
  i: number,
  than: number,
): boolean {
  const fullUs = (of: number) => Math.max(nowUs, tables[of]!.fullUs(row, rules[of]!));
  return fullUs(i) > fullUs(than);
}

// A leaky bucket's next turn is when the bucket will be empty.
function turnUs(table: Table, row: number, rule: Rule, nowUs: number): number {
  if (rule.algorithm !== "leaky-bucket-queue") return 0;
  return Math.max(0, table.fullUs(row, rule) - nowUs);
}

/** The answer, times in ms. */
export function decisionOf(
  rule: Rule,
  waitUs: number,
  remaining: number,
  delayUs: number,
  resetUs: number,
  lease: number,
): Decision {
  return {
    allowed: waitUs === 0,
    outcome: waitUs === 0 ? "allowed" : waitUs === Infinity ? "too-costly" : "denied",
    rule,
    remaining,
    retryAfterMs: Math.ceil(waitUs / 1000),
    delayMs: waitUs === 0 ? delayUs / 1000 : 0,
    resetMs: Math.ceil(Math.max(0, resetUs) / 1000),
    lease,
  };
}
