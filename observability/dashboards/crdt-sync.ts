// The dashboard "CRDTs": nodes of packages/crdt-sync, and replicas of packages/crdt that are shown
// by themselves. It reads from the top as an incident is read: which alert, are the replicas the
// same, who is linked to whom, what becomes stable; then what it costs.
import { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { alertsPanel } from "./alerts.ts";
import {
  convergencePanels,
  costPanels,
  linkPanels,
  replicaPanels,
  stabilityPanels,
} from "./crdt-sync-panels.ts";
import { dashboardOf, datasourceVariable, labelVariable } from "./panels.ts";

const ours = '__name__=~"crdt_.+"';

/** The dashboard "CRDTs". */
export const crdtSync = dashboardOf(
  new DashboardBuilder("CRDTs")
    .uid("crdt-sync")
    .description("Replicas over a wire: digests, links, stability, merges, logs.")
    .tags(["compendium"])
    .withVariable(datasourceVariable())
    .withVariable(labelVariable("job", `{${ours}}`))
    .withVariable(labelVariable("name", `{${ours},job=~"$job"}`)),
  {
    Alerts: [alertsPanel('alertname=~"CrdtSync.+"')],
    Convergence: convergencePanels,
    Links: linkPanels,
    Stability: stabilityPanels,
    Cost: costPanels,
    "Replicas by themselves": replicaPanels,
  },
);
