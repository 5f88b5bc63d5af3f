// The sidecars of docker-compose.yml, and what each is told: mesh/NAME.yaml, written by `npm run
// mesh` from what stands here, as Envoy would take it too. Containers have addresses of their own,
// so that all sidecars listen on the same port, and find their service by its name.
import { EJECT_AFTER, type SidecarPlan } from "./mesh-config.ts";

const EVERYWHERE = "0.0.0.0";
/** Where every service, and every sidecar in its place, listens. */
export const SERVICE_PORT = 8_080;
/** Where a sidecar's own door is. */
export const ADMIN_PORT = 9_901;

function inFrontOf(name: string, change: Partial<SidecarPlan> = {}): SidecarPlan {
  return {
    name,
    listen: { host: EVERYWHERE, port: SERVICE_PORT },
    admin: { host: EVERYWHERE, port: ADMIN_PORT },
    endpoints: [{ host: name, port: SERVICE_PORT }],
    ejectAfter: EJECT_AFTER,
    ...change,
  };
}

/** By the names of their files. */
export const containerPlans: Readonly<Record<string, SidecarPlan>> = {
  // The edge has a queue of its own, and a word to say about it; its sidecar must not be fuller
  // first.
  edge: inFrontOf("edge", { requestsMax: 8_192 }),
  preview: inFrontOf("preview"),
  // Two versions behind one address; who fails too often in a row is put aside.
  "preview-canary": inFrontOf("preview", {
    endpoints: [
      { host: "preview", port: SERVICE_PORT, weight: 9 },
      { host: "preview-2", port: SERVICE_PORT, weight: 1 },
    ],
  }),
  billing: inFrontOf("billing"),
  // One for each: whoever asks the registry asks its leader, and must reach that one.
  "registry-1": inFrontOf("registry-1"),
  "registry-2": inFrontOf("registry-2"),
  "registry-3": inFrontOf("registry-3"),
  "presence-eu": inFrontOf("presence-eu"),
  "presence-us": inFrontOf("presence-us"),
  "presence-ap": inFrontOf("presence-ap"),
};
