// What the admin interface says of the server as a whole, without changing anything.
import { type Endpoint, json, text } from "./endpoint.ts";

/** `/ready`: for whoever decides whether requests may be sent here. */
export const ready: Endpoint = {
  path: "/ready",
  help: "print server state, return 200 if LIVE, otherwise return 503",
  mutates: false,
  parameters: {},
  answer: async (_, subject) => {
    const state = await subject.state();
    return text(`${state}\n`, state === "LIVE" ? 200 : 503);
  },
};

/** `/listeners`. */
export const listeners: Endpoint = {
  path: "/listeners",
  help: "print listener info",
  mutates: false,
  parameters: { format: ["text", "json"] },
  answer: (query, subject) => {
    const all = subject.listeners();
    if (query.get("format") !== "json") {
      return text(all.map(({ name, ...at }) => `${name}::${addressText(at)}\n`).join(""));
    }
    return json({
      listener_statuses: all.map(({ name, address, port: port_value }) => ({
        name,
        local_address: { socket_address: { address, port_value } },
      })),
    });
  },
};

/** `/server_info`. */
export const serverInfo: Endpoint = {
  path: "/server_info",
  help: "print server version/status information",
  mutates: false,
  parameters: {},
  answer: async (_, subject) => {
    const uptime = `${Math.floor((subject.now() - subject.startedAtMs) / 1_000)}s`;
    return json({
      version: subject.version,
      state: await subject.state(),
      configuration_version: subject.snapshot()?.version ?? null,
      uptime_current_epoch: uptime,
      uptime_all_epochs: uptime,
      process_id: process.pid,
      node_version: process.version,
      command_line_options: subject.options,
    });
  },
};

function addressText({ address, port }: { address: string; port: number }): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
