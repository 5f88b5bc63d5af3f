// The top of a dashboard: what the rules say of what is chosen there.
import { type Panel, timeline } from "./panels.ts";

/**
 * Alerts over time, all or those that `matchers` choose.
 *
 * @param by the labels that tell them apart, where that is no `name`
 */
export function alertsPanel(matchers = "", by: readonly string[] = ["name"]): Panel {
  const isNamed = by.includes("name");
  const parts = [
    'job=~"$job"',
    ...(isNamed ? ['name=~"$name"'] : []),
    ...(matchers === "" ? [] : [matchers]),
  ];
  const chosen = parts.join(",");
  const labels = isNamed ? "{{name}}" : by.map((label) => `{{${label}}}`).join(" ");
  const pending = `ALERTS{${chosen},alertstate="pending"} * 0`;
  const firing = `ALERTS{${chosen},alertstate="firing"}`;
  return timeline(
    {
      title: "Alerts",
      description: "What the rules say: pending first, then firing. The runbook is in the README.",
      queries: [
        [
          `max by (${["alertname", "job", ...by].join(", ")}) (${pending} or ${firing})`,
          `{{alertname}}: ${labels} in {{job}}`,
        ],
      ],
    },
    [
      ["pending", "yellow"],
      ["firing", "red"],
    ],
  );
}
