// Every expression that a dashboard or a rule asks Prometheus to evaluate, with where it stands.
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { readRules } from "./rules.ts";

/** An expression and its place, for messages. */
export interface Asked {
  readonly where: string;
  readonly expression: string;
}

/** The queries of a dashboard's panels. */
export function panelExpressions({ title, panels = [] }: Dashboard): Asked[] {
  return panels.flatMap((panel) => {
    if (!("targets" in panel)) return [];
    const targets = (panel.targets ?? []) as { expr?: string; refId?: string }[];
    return targets.map(({ expr = "", refId }) => ({
      where: `${title} / ${panel.title} / ${refId}`,
      expression: expr,
    }));
  });
}

/** The expressions of alerts and recording rules. */
export function ruleExpressions(): Asked[] {
  return readRules().map(({ alert, record, expr }) => ({
    where: alert ?? record ?? "a rule without a name",
    expression: expr,
  }));
}
