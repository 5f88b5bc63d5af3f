// Planted bugs: what a division among workers, and whoever keeps them, is known to get wrong.
import type { Mutant } from "@compendium/house/planted";

const inFile =
  (file: string) =>
  (name: string, search: string, replacement: string): Mutant => {
    return { name, file: `workers/${file}`, search, replacement };
  };

const divide = inFile("divide.ts");
const pool = inFile("worker-pool.ts");
const handle = inFile("worker-handle.ts");
const totals = inFile("totals.ts");

export const mutants: readonly Mutant[] = [
  divide("nobody gets what is left over", "(index < whole % workers ? 1 : 0)", "0"),
  divide("everybody gets what is left over", "index < whole % workers", "whole % workers > 0"),
  divide("a worker has nothing to work with", "Math.max(1, part)", "part"),
  divide("a limit of 0 lets one through", "whole === 0 ||", ""),
  divide("a rate stays whole", "wholeMs * workers", "wholeMs"),
  divide(
    "a bucket stays whole",
    "tokensMax = this.#part(filter.tokensMax)",
    "{ tokensMax } = filter",
  ),
  divide("a budget is divided twice", "percent: retryBudget.percent", "percent: 10"),
  divide("a quiet worker may never retry", "Math.ceil(retryBudget", "Math.floor(retryBudget"),
  divide("routes with one limit have one each", "this.#filters.set(filter, made);", ""),
  divide(
    "routes' own filters stay whole",
    "mapValues(overrides, (filter) => filter && this.#filter(filter))",
    "overrides",
  ),
  divide("the high priority is not limited", "this.#thresholds(breakers.high)", "breakers.high"),
  divide(
    "a chain's connections stay whole",
    "connectionsMax === undefined ? undefined : this.#part(connectionsMax)",
    "connectionsMax",
  ),
  divide("faults stay whole", "activeMax: this.#part(filter.activeMax)", ""),
  divide(
    "the least concurrency stays whole",
    "limitMin = this.#part(filter.limitMin)",
    "{ limitMin } = filter",
  ),
  pool("one refuses, the others go on", "if (failed !== undefined) {", "if (false) {"),
  pool("the others stay prepared", 'this.#call(slot, { kind: "abandon" })', "undefined"),
  pool(
    "whoever hangs is kept",
    '.code === "WORKER_SILENT") worker?.kill();',
    ".code) void worker;",
  ),
  pool(
    "whoever cannot commit is kept",
    "      worker?.kill();\n    }\n  }\n\n  async #call",
    "    }\n  }\n\n  async #call",
  ),
  pool(
    "the first document is tried for ever",
    "|| this.#inForce === undefined) return;",
    ") return;",
  ),
  pool("waits do not grow", "BACKOFF_MS * 2 ** (slot.ends - 1)", "BACKOFF_MS"),
  pool("a row never ends", ">= steadyMs ? 1 : slot.ends + 1", ">= steadyMs ? 1 : 1"),
  pool("old ends count for ever", ">= steadyMs ? 1 :", ">= steadyMs ? slot.ends + 1 :"),
  pool("who comes late serves on", "if (this.#drain !== undefined)", "if (false)"),
  pool("nobody ends those that do not", "slot.worker.kill();", ""),
  handle(
    "an answer is waited for without end",
    'settle(new WorkersError("WORKER_SILENT", message));',
    "",
  ),
  handle(
    "a call outlives its process",
    "for (const { settle } of [...this.#waiting.values()]) settle(gone(how));",
    "",
  ),
  totals(
    "a restart is a reset",
    "this.#departed = this.#sum([this.#departed, last.filter(isTotal)]);",
    "",
  ),
  totals(
    "a gauge outlives its worker",
    'type === "counter" || type === "histogram"',
    "type !== undefined",
  ),
  totals("hosts are counted twice", '["sidecar_hosts", "max"],', ""),
  totals(
    "one that is not ready is passed over",
    '["sidecar_live", "min"],',
    '["sidecar_live", "max"],',
  ),
];
