// What the sidecars of docker-compose.yml are told, as files. Run as a program, it writes them.
import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { sidecarConfig } from "../src/mesh-config.ts";
import { containerPlans } from "../src/mesh-containers.ts";

/** Where they are. */
export const folder: URL = new URL("../mesh/", import.meta.url);

/** The files' texts, by their names. */
export function meshFiles(): Map<string, string> {
  return new Map(
    Object.entries(containerPlans).map(([name, plan]) => {
      const head = `# In front of ${plan.name}. Written by \`npm run mesh\`; Envoy takes this file as well.\n`;
      return [`${name}.yaml`, head + stringify(sidecarConfig(plan), { lineWidth: 0 })];
    }),
  );
}

if (import.meta.main) {
  for (const [name, text] of meshFiles()) writeFileSync(new URL(name, folder), text);
}
