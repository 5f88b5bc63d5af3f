// The top of a dashboard: what the rules say of what is chosen there.
import { type Panel, timeline } from "./panels.ts";

/** Alerts over time, all or those that `matchers` choose. */
export function alertsPanel(matchers = ""): Panel {
  const chosen = `job=~"$job",name=~"$name"${matchers === "" ? "" : `,${matchers}`}`;
  const pending = `ALERTS{${chosen},alertstate="pending"} * 0`;
  const firing = `ALERTS{${chosen},alertstate="firing"}`;
  return timeline(
    {
      title: "Alerts",
      description: "What the rules say: pending first, then firing. The runbook is in the README.",
      queries: [
        [
          `max by (alertname, job, name) (${pending} or ${firing})`,
          "{{alertname}}: {{name}} in {{job}}",
        ],
      ],
    },
    [
      ["pending", "yellow"],
      ["firing", "red"],
    ],
  );
}
