// Every dashboard, and where its JSON is kept.
import { fileURLToPath } from "node:url";
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { crdtSync } from "./crdt-sync.ts";
import { raft } from "./raft.ts";
import { rateLimiting } from "./rate-limiting.ts";
import { resilience } from "./resilience.ts";
import { shownotes } from "./shownotes.ts";
import { sidecar } from "./sidecar.ts";

/** Every dashboard of the repository. */
export const dashboards: readonly Dashboard[] = [
  resilience,
  rateLimiting,
  raft,
  crdtSync,
  sidecar,
  shownotes,
];

/** The file that Grafana is given. */
export function fileOf({ uid }: Dashboard): string {
  return fileURLToPath(new URL(`../grafana/dashboards/${uid}.json`, import.meta.url));
}

/** The text of that file. */
export function jsonOf(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
