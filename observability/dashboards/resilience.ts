// The dashboard "Resilience": what breakers, retries, limits, shedders and hedges do, for whatever
// uses packages/circuit-breaker and packages/resilience. It reads from the top as an incident is
// read: which alert, which breaker, then each protection on its own row.
//
// Rates look at a few scrapes (`$__rate_interval`), so that an experiment of seconds makes a curve;
// shares that an alert judges are the alert's own recording rules, over five minutes. A metric that
// no panel shows fails a test: what nobody looks at need not be exported.
import { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { alertsPanel } from "./alerts.ts";
import { breakerPanels } from "./breaker-panels.ts";
import { limitPanels, shedderPanels } from "./limit-panels.ts";
import { dashboardOf, datasourceVariable, labelVariable } from "./panels.ts";
import { attemptPanels, hedgePanels, retryPanels } from "./retry-panels.ts";

const ours = '__name__=~"(circuit_breaker|resilience)_.+"';

/** The dashboard "Resilience". */
export const resilience = dashboardOf(
  new DashboardBuilder("Resilience")
    .uid("resilience")
    .description("Circuit breakers, retries and budgets, limits, shedding, hedging.")
    .tags(["compendium"])
    .withVariable(datasourceVariable())
    .withVariable(labelVariable("job", `{${ours}}`))
    .withVariable(labelVariable("name", `{${ours},job=~"$job"}`)),
  {
    Alerts: [alertsPanel()],
    "Circuit breakers": breakerPanels,
    "Retries and budgets": retryPanels,
    "Timeouts, deadlines, fallbacks": attemptPanels,
    "Bulkheads and limits": limitPanels,
    "Load shedding": shedderPanels,
    "Hedging and single-flight": hedgePanels,
  },
);
