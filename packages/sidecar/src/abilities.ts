// What this proxy can do by now. The configuration speaks more of Envoy's language than the data
// plane understands yet, and a proxy that passes over a rule that it was given is worse than none:
// somebody counts on the TLS, the authorization or the retry that is not there. So a snapshot that
// asks for more is refused as a whole, by name. A part that learns to do its work takes its line
// out of here.
import { type Problem, SidecarConfigError } from "./config/config-error.ts";
import type { ListenerConfig } from "./config/listener-config.ts";
import type { Snapshot } from "./config/snapshot.ts";

type Refuse = (what: string) => void;

/**
 * Looks for what would be passed over.
 *
 * @throws SidecarConfigError naming each listener, route and cluster, and what it asks for
 */
export function checkAbilities({ listeners, admin }: Snapshot): void {
  const problems: Problem[] = [];
  const at =
    (path: string): Refuse =>
    (what) => {
      const message = `${what} is understood and not carried out yet`;
      problems.push({ path, message, next: "take it out, or put Envoy in front for it" });
    };
  if (admin !== undefined) at("admin")("the admin interface");
  for (const listener of listeners.values()) checkListener(listener, at);
  if (problems.length > 0) throw new SidecarConfigError(problems);
}

function checkListener({ name, filterChains }: ListenerConfig, at: (path: string) => Refuse): void {
  const refuse = at(`listener ${name}`);
  for (const { filter } of filterChains) {
    if (filter.kind === "tcp" && filter.accessLogs.length > 0) {
      refuse("an access log of a TCP proxy");
    }
  }
}
