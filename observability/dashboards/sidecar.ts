// The dashboard "Sidecar": proxies of packages/sidecar. It reads from the top as an incident is
// read: which alert, what clients get, which cluster fails, who of its hosts is well; then who is
// kept out, and what the proxy runs on.
import { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { alertsPanel } from "./alerts.ts";
import { dashboardOf, datasourceVariable, labelVariable } from "./panels.ts";
import { clusterPanels, gatePanels, hostPanels, listenerPanels } from "./sidecar-panels.ts";

const ours = '__name__=~"sidecar_.+"';

/** The dashboard "Sidecar". */
export const sidecar = dashboardOf(
  new DashboardBuilder("Sidecar")
    .uid("sidecar")
    .description("Listeners, clusters, hosts, and what the proxy runs on.")
    .tags(["compendium"])
    .withVariable(datasourceVariable())
    .withVariable(labelVariable("job", `{${ours}}`))
    .withVariable(labelVariable("listener", `{${ours},job=~"$job"}`))
    .withVariable(labelVariable("cluster", `{${ours},job=~"$job"}`)),
  {
    Alerts: [alertsPanel('alertname=~"Sidecar.+"', ["listener", "cluster", "file", "instance"])],
    Listeners: listenerPanels,
    Clusters: clusterPanels,
    Hosts: hostPanels,
    "Gates and configuration": gatePanels,
  },
);
