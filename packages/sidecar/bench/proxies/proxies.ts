// The contestants: how each is started for a setting, and what is missing where it cannot be.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { haproxyConfig } from "./haproxy-config.ts";
import { nginxConfig } from "./nginx-config.ts";
import type { Command } from "./proxy-process.ts";
import { freePort } from "./proxy-process.ts";
import type { Placed, Setting } from "./setting.ts";
import { sidecarConfig } from "./sidecar-config.ts";

/** One way of passing requests on. */
export interface Contender {
  readonly name: string;
  readonly protocols: readonly Setting["protocol"][];
  /** Why it cannot take part, and what to do about it. */
  readonly missing: (setting: Setting) => string | undefined;
  readonly command: (setting: Setting, folder: string) => Promise<Omit<Command, "cpu">>;
}

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const bin = [process.execPath, "--conditions=@compendium/source", fileOf("../../src/bin.ts")];

/** The package itself, by its command; `nodeFlags` are for whoever looks into it. */
export function sidecar(nodeFlags: readonly string[] = []): Contender {
  const [node = "", ...rest] = bin;
  return {
    name: "sidecar",
    protocols: ["http1", "grpc"],
    missing: (setting) => {
      const args = [...rest, "--mode", "validate", "--config-yaml", sidecarConfig(setting)];
      const { status, stderr } = spawnSync(node, args, { encoding: "utf8" });
      return status === 0 ? undefined : `the sidecar refuses this setting: ${stderr.trim()}`;
    },
    command: async (setting, folder) => {
      const file = join(folder, `sidecar-${await freePort()}.json`);
      writeFileSync(file, sidecarConfig(setting));
      return { command: [node, ...nodeFlags, ...rest, "--drain-time-s", "1", "-c", file] };
    },
  };
}

/** Whom it is compared with; the first two set the bar. */
export const peers: readonly Contender[] = [
  fromNpm("http-proxy-3", "../peers/http-proxy-3.ts"),
  fromNpm("httpxy", "../peers/httpxy.ts"),
  fromNpm("@fastify/http-proxy", "../peers/fastify-http-proxy.ts"),
  { ...fromNpm("node:http2, piped", "../peers/node-http2.ts"), protocols: ["grpc"] },
  fromDebian("haproxy", haproxyConfig, (file) => ["-db", "-f", file]),
  fromDebian("nginx", nginxConfig, (file, folder) => ["-p", folder, "-c", file]),
];

function fromNpm(name: string, file: string): Contender {
  return {
    name,
    protocols: ["http1"],
    missing: () => undefined,
    command: async ({ upstreamPort, tls }) => {
      const pem = tls === undefined ? [] : ["--pem", tls.pemFile];
      return { command: [process.execPath, fileOf(file), "--upstream", `${upstreamPort}`, ...pem] };
    },
  };
}

function fromDebian(
  name: string,
  write: (placed: Placed) => string,
  argumentsOf: (file: string, folder: string) => string[],
): Contender {
  return {
    name,
    protocols: ["http1", "grpc"],
    missing: () =>
      find(name) ? undefined : `${name} is missing: apt-get install ${name}, or add --install`,
    command: async (setting, folder) => {
      const port = await freePort();
      const file = join(folder, `${name}-${port}.conf`);
      writeFileSync(file, write({ ...setting, port, folder }));
      return { command: [find(name) ?? name, ...argumentsOf(file, folder)], port };
    },
  };
}

/** Debian's packages of those that are missing; only root may, and only where somebody asks. */
export function install(): void {
  const missing = ["haproxy", "nginx"].filter((name) => find(name) === undefined);
  if (missing.length === 0) return;
  const args = ["install", "-y", "--no-install-recommends", ...missing];
  // A level without services: Debian's packages start theirs when they are installed.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  spawnSync("apt-get", args, { stdio: ["ignore", "ignore", "inherit"], env });
}

// Debian keeps servers where only root's PATH leads to.
function find(name: string): string | undefined {
  const { PATH = "" } = process.env;
  const folders = [...PATH.split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}
