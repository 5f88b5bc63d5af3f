// The dashboard "Raft": groups of packages/raft. It reads from the top as an incident is read:
// which alert, who leads, who follows, what callers get of it; then each member's disk, snapshots,
// links.
//
// Members show themselves: who has died is not scraped, and is seen by the leader alone.
import { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { alertsPanel } from "./alerts.ts";
import { dashboardOf, datasourceVariable, labelVariable } from "./panels.ts";
import { diskPanels, networkPanels, snapshotPanels } from "./raft-member-panels.ts";
import { askedPanels, followerPanels, leadershipPanels, logPanels } from "./raft-panels.ts";

const ours = '__name__=~"raft_.+"';

/** The dashboard "Raft". */
export const raft = dashboardOf(
  new DashboardBuilder("Raft")
    .uid("raft")
    .description("Groups: leaders, followers, logs, proposals and reads; members: disk and links.")
    .tags(["compendium"])
    .withVariable(datasourceVariable())
    .withVariable(labelVariable("job", `{${ours}}`))
    .withVariable(labelVariable("name", `{${ours},job=~"$job"}`)),
  {
    Alerts: [alertsPanel('alertname=~"Raft.+"')],
    Leadership: leadershipPanels,
    Followers: followerPanels,
    "Proposals and reads": askedPanels,
    "The log": logPanels,
    Disks: diskPanels,
    Snapshots: snapshotPanels,
    Network: networkPanels,
  },
);
