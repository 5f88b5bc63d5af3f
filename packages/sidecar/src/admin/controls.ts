// What the admin interface can move. Each takes POST: a link, an image or a prefetch must not drain
// a proxy.
import { type LogLevel, logLevels } from "../observe/logger.ts";
import { type Endpoint, text } from "./endpoint.ts";

/** `/drain_listeners`. */
export const drainListeners: Endpoint = {
  path: "/drain_listeners",
  help: "drain listeners; ?graceful asks clients to leave first",
  mutates: true,
  parameters: { graceful: "flag" },
  answer: (query, subject) => {
    subject.drainListeners(query.has("graceful"));
    return text("OK\n");
  },
};

/** `/healthcheck/fail`. */
export const failHealth: Endpoint = {
  path: "/healthcheck/fail",
  help: "cause the server to fail health checks",
  mutates: true,
  parameters: {},
  answer: (_, subject) => {
    subject.setHealth(false);
    return text("OK\n");
  },
};

/** `/healthcheck/ok`. */
export const passHealth: Endpoint = {
  path: "/healthcheck/ok",
  help: "cause the server to pass health checks",
  mutates: true,
  parameters: {},
  answer: (_, subject) => {
    subject.setHealth(true);
    return text("OK\n");
  },
};

// Envoy's words for levels that there are not.
const levels: Readonly<Record<string, LogLevel>> = {
  trace: "debug",
  warn: "warning",
  critical: "error",
  ...(Object.fromEntries(logLevels.map((level) => [level, level])) as Record<LogLevel, LogLevel>),
};

/** `/logging`. */
export const logging: Endpoint = {
  path: "/logging",
  help: "query/change logging levels",
  mutates: true,
  parameters: { level: Object.keys(levels) },
  answer: (query, subject) => {
    const level = levels[query.get("level") ?? ""];
    if (level !== undefined) subject.logLevel = level;
    return text(`active loggers:\n  sidecar: ${subject.logLevel}\n`);
  },
};

/** `/quitquitquit`. */
export const quit: Endpoint = {
  path: "/quitquitquit",
  help: "exit the server",
  mutates: true,
  parameters: {},
  answer: (_, subject) => {
    subject.quit();
    return text("OK\n");
  },
};
