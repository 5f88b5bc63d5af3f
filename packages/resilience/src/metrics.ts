// The numbers of policies for Prometheus, read when it asks: a scrape costs one `stats()` for each
// family, the calls in between nothing. The labels are closed sets: the names that were given here,
// and what each family can say of its policy (shown.ts).
//
// A policy is known by its `kind`, and asked for its `stats()`; nothing else of it is needed. Left
// out: circuit breakers, which show themselves (`registerCircuitBreakers` of
// @compendium/circuit-breaker/metrics), and policies of one's own.
import { type Family, type MetricRegistry, registerMetrics } from "@compendium/metrics";
import type { AdaptiveLimitStats } from "./adaptive-limit.ts";
import type { Pipeline } from "./pipeline.ts";
import { type Row, SHOWN } from "./shown.ts";

/** What has numbers to show: a policy, or a retry budget. */
export interface Measurable {
  /** What it is. */
  readonly kind: string;
  /** Plain numbers; reading them changes nothing. */
  stats?(): object;
}

/**
 * Shows policies, budgets, and all policies of pipelines in `registry`, told apart by the names
 * that are their keys here, until the returned object is disposed. A second policy of one kind in a
 * pipeline called `preview` is `preview-2`. A scrape changes nothing, and a policy may be in
 * several registries. Give a policy that pipelines share a name of its own, and leave it out of
 * them.
 *
 * @throws TypeError when there is nothing to show, or a name is taken, here or by those before
 */
export function registerResilience(
  registry: MetricRegistry,
  named: Readonly<Record<string, Measurable | Pipeline<unknown>>>,
): Disposable {
  const families: Family[] = [];
  for (const [name, subject] of Object.entries(named)) {
    const found = "policies" in subject ? ofPipeline(name, subject) : ofOne(name, subject);
    if (found.length === 0) throw new TypeError(`"${name}" has nothing to show`);
    families.push(...found);
  }
  return registerMetrics(registry, families);
}

function ofPipeline(name: string, { policies }: Pipeline<unknown>): Family[] {
  const seen = new Map<string, number>();
  return policies.flatMap((policy) => {
    const count = (seen.get(policy.kind) ?? 0) + 1;
    seen.set(policy.kind, count);
    return ofOne(count === 1 ? name : `${name}-${count}`, policy);
  });
}

function ofOne(name: string, subject: Measurable): Family[] {
  const rows = (SHOWN as Readonly<Record<string, readonly Row<never>[]>>)[subject.kind] ?? [];
  if (typeof subject.stats !== "function") return [];
  return rows.map((row) => familyOf(name, subject as Required<Measurable>, row));
}

function familyOf(name: string, subject: Required<Measurable>, row: Row<never>): Family {
  const { value, by, byClass } = row;
  const stats = () => subject.stats() as never;
  const classes = () => (stats() as AdaptiveLimitStats).classes;
  return {
    name: `resilience_${row.name}`,
    type: row.name.endsWith("_total") ? "counter" : "gauge",
    help: row.help,
    labels: {
      name: [name],
      ...(by && { [by.label]: Object.keys(by.values) }),
      ...(byClass && { class: Object.keys(classes()) }),
    },
    collect: (emit) => {
      if (value !== undefined) emit(value(stats()), { name });
      if (by !== undefined) {
        const now = stats();
        for (const [is, read] of Object.entries(by.values)) {
          emit(read(now), { name, [by.label]: is });
        }
      }
      if (byClass !== undefined) {
        for (const [is, its] of Object.entries(classes())) emit(byClass(its), { name, class: is });
      }
    },
  };
}
