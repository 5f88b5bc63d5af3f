// What may stand on the command line. Everything that is wrong with it is one line and exit code 2.
import { parseArgs } from "node:util";
import { RETRIES, type Retries } from "./x2-scenario.ts";

/** Where a service listens. */
export interface Listen {
  host: string;
  /** 0: any free port. */
  port: number;
}

/** How a service is run. */
export interface ServiceProcess extends Listen {
  /** Start it afresh, at the same address, whenever it exits. */
  respawn: boolean;
}

/** How the demo and the lab present themselves. */
export interface Public extends Listen {
  /** Whether the port was asked for, or is only the usual one. */
  portGiven: boolean;
  once: boolean;
  /** With `once`: the experiments to run, by their ids, in order. */
  experiments: readonly string[];
  /** With `once`: where the comparison is written, too. */
  jsonFile: string | undefined;
  /** How long X6's regions are apart, if not as usual. */
  apartMs?: number;
  /** Whether a sidecar stands in front of every service that is started. */
  mesh: boolean;
}

/** Where an edge finds billing, and how it asks. */
export interface Billing {
  url: URL;
  retries: Retries;
  breaker: boolean;
}

/** How an edge is run. */
export interface Edge {
  previewUrl: URL;
  protection: boolean;
  billing?: Billing;
  /** Who counts for the limits: this Redis, or nobody else. */
  redisUrl?: URL;
  /** The members of the registry, 1, 2, … Without any, there are no seats. */
  registryUrls?: readonly URL[];
}

/** Which member of the registry a process is. */
export interface RegistryPlace {
  /** From 1. */
  member: number;
  /** Where all members reach each other, `host:port`, this one among them. */
  peers: readonly string[];
  /** What this member alone writes to. */
  folder: string;
}

/** Which region's replica a process is. */
export interface PresencePlace {
  /** Its name among the peers. */
  region: string;
  /** Where the regions' replicas reach each other, `host:port` by their names. */
  peers: Readonly<Record<string, string>>;
  /** What this replica alone writes to. */
  folder: string;
  /** Whether tags are kept a second time, as a column, for X6 to compare. */
  column: boolean;
}

/** How a sidecar is run. */
export interface SidecarProcess {
  /** An Envoy bootstrap, in YAML or JSON. */
  configFile: string;
}

/** Services that run elsewhere, with `--respawn`. */
export interface Elsewhere {
  /** Replicas, one or several; all but X3 deal with the first. */
  edgeUrls: readonly [URL, ...URL[]];
  previewUrl: URL;
  /** Behind the edges. Without it, X3 runs on processes of its own. */
  billingUrl?: URL;
  /** The regions' presence, for the page. */
  presenceUrls?: readonly URL[];
  /** What stands in front of the first edge, and takes the load in its place. */
  entryUrl?: URL;
}

export type Command =
  | { name: "help" }
  | ({ name: "edge" } & Edge & ServiceProcess)
  | ({ name: "preview" } & ServiceProcess)
  | ({ name: "billing"; shedding: boolean } & ServiceProcess)
  | ({ name: "registry" } & RegistryPlace & ServiceProcess)
  | ({ name: "presence" } & PresencePlace & ServiceProcess)
  | ({ name: "sidecar" } & SidecarProcess)
  | { name: "writers"; presenceUrls: readonly URL[]; seconds: number }
  | { name: "clients"; registryUrls: readonly URL[]; seconds: number }
  | ({ name: "demo" } & Public)
  | ({ name: "lab" } & Elsewhere & Public);

/** A command line that cannot be meant. */
export class UsageError extends Error {}

export const USAGE = `usage: npm start -- [options]

  --once            run an experiment once, check it, and exit (0: as expected)
  --experiment ID   with --once: x1 (the default), x2, … x6, x9, or all
  --json FILE       with --once: also write the figures to FILE
  --mesh            a sidecar in front of every service; X4 then hedges there
  --seconds N       for how long X6 keeps the regions apart; default 5
  --port PORT       public port; default 4100, or the next free one
  --host HOST       public address; default 127.0.0.1
  --help            this text

single services:
  shownotes edge    --preview URL [--protection on|off] [--host …] [--port …]
                    [--billing URL] [--retries naive|jitter|budget]
                    [--breaker on|off] [--redis URL] [--registry URL[,URL…]]
  shownotes preview [--host …] [--port …]
  shownotes billing [--shedding on|off] [--host …] [--port …]
                    --respawn: a fresh process whenever it exits; needs --port
  shownotes registry --member N --peers HOST:PORT[,…] --folder DIR
                    [--host …] [--port …]
  shownotes clients --registry URL[,URL…] [--seconds N]: X5's clients, and
                    a verdict on what they saw
  shownotes presence --region NAME --peers NAME=HOST:PORT[,…] --folder DIR
                    [--column] [--host …] [--port …]
  shownotes writers --presence URL[,URL…] [--seconds N]: X6, for regions that
                    somebody else cuts off, and a verdict
  shownotes sidecar --config FILE: in front of a service, as Envoy's bootstrap
                    in FILE says; SIGHUP reads it again
  shownotes lab     --edge URL[,URL…] --preview URL [--billing URL]
                    [--presence URL[,URL…]] [--entry URL], and the options
                    above; the entry: a sidecar in front of the first edge

SHOWNOTES_REDIS=URL is an edge's --redis, unless that is given.`;

/** The experiments there are, in the order in which `all` runs them. */
export const EXPERIMENT_IDS: readonly string[] = ["x1", "x2", "x3", "x4", "x5", "x6", "x9"];

/** The port that a browser finds the demo on, unless it is taken. */
export const PUBLIC_PORT = 4100;

const FLAGS = {
  help: { type: "boolean" },
  once: { type: "boolean" },
  experiment: { type: "string" },
  json: { type: "string" },
  mesh: { type: "boolean" },
  host: { type: "string" },
  port: { type: "string" },
  edge: { type: "string" },
  preview: { type: "string" },
  billing: { type: "string" },
  protection: { type: "string" },
  retries: { type: "string" },
  breaker: { type: "string" },
  redis: { type: "string" },
  shedding: { type: "string" },
  registry: { type: "string" },
  member: { type: "string" },
  peers: { type: "string" },
  folder: { type: "string" },
  seconds: { type: "string" },
  region: { type: "string" },
  column: { type: "boolean" },
  presence: { type: "string" },
  respawn: { type: "boolean" },
  config: { type: "string" },
  entry: { type: "string" },
} as const;

type Flag = keyof typeof FLAGS;

const SERVICE: Flag[] = ["host", "port", "respawn"];
const PUBLIC: Flag[] = ["once", "experiment", "json", "host", "port", "seconds", "mesh"];

const FLAGS_OF = new Map<string, Flag[]>([
  ["demo", PUBLIC],
  [
    "edge",
    [...SERVICE, "preview", "protection", "billing", "retries", "breaker", "redis", "registry"],
  ],
  ["preview", SERVICE],
  ["billing", [...SERVICE, "shedding"]],
  ["registry", [...SERVICE, "member", "peers", "folder"]],
  ["presence", [...SERVICE, "region", "peers", "folder", "column"]],
  ["clients", ["registry", "seconds"]],
  ["writers", ["presence", "seconds"]],
  ["sidecar", ["config"]],
  ["lab", [...PUBLIC, "edge", "preview", "billing", "presence", "entry"]],
]);

/** What is read from the environment. */
export interface Environment {
  SHOWNOTES_REDIS?: string | undefined;
}

/** Throws a {@link UsageError} that names what is wrong. */
export function parseCommandLine(args: string[], env: Environment = process.env): Command {
  const { values, positionals } = parse(args);
  if (values.help) return { name: "help" };
  const [name = "demo", extra] = positionals;
  const allowed = FLAGS_OF.get(name);
  if (allowed === undefined || extra !== undefined) {
    throw usage(
      `unknown command "${extra ?? name}": known are ${[...FLAGS_OF.keys()].slice(1).join(", ")}, or none`,
    );
  }
  for (const flag of Object.keys(values) as Flag[]) {
    if (!allowed.includes(flag)) throw usage(`--${flag} means nothing to ${name}`);
  }
  const host = values.host ?? "127.0.0.1";
  const { port, once = false, json: jsonFile, experiment } = values;
  if (jsonFile !== undefined && !once) throw usage("--json goes with --once");
  if (experiment !== undefined && !once) throw usage("--experiment goes with --once");
  const service = { host, port: parsePort(port ?? "0"), respawn: values.respawn ?? false };
  if (service.respawn && service.port === 0) throw usage("--respawn needs --port, a fixed one");
  const usual = String(PUBLIC_PORT);
  const portGiven = port !== undefined;
  const experiments = parseExperiments(experiment);
  const apart = parseApart(values.seconds);
  const shown = { host, port: parsePort(port ?? usual), portGiven };
  const { mesh = false } = values;
  const open = { ...shown, once, experiments, jsonFile, mesh, ...apart };
  switch (name) {
    case "edge": {
      const previewUrl = parseUrl("preview", values.preview);
      const protection = parseSwitch("protection", values.protection);
      const redis = parseRedis(values.redis ?? env.SHOWNOTES_REDIS);
      const { registry } = values;
      const seats = registry === undefined ? {} : { registryUrls: parseUrls("registry", registry) };
      const hops = { ...parseBilling(values), ...redis, ...seats };
      return { name, ...service, previewUrl, protection, ...hops };
    }
    case "preview":
      return { name, ...service };
    case "billing":
      return { name, ...service, shedding: parseSwitch("shedding", values.shedding) };
    case "registry":
      return { name, ...service, ...parsePlace(values) };
    case "presence":
      return { name, ...service, ...parseRegion(values), column: values.column ?? false };
    case "sidecar": {
      const { config: configFile = "" } = values;
      if (configFile === "") throw usage("--config is missing: the sidecar's configuration");
      return { name, configFile };
    }
    case "writers": {
      const presenceUrls = parseUrls("presence", values.presence);
      return { name, presenceUrls, seconds: parseCount("seconds", values.seconds ?? "20", 600) };
    }
    case "clients": {
      const registryUrls = parseUrls("registry", values.registry);
      return { name, registryUrls, seconds: parseCount("seconds", values.seconds ?? "8", 3_600) };
    }
    case "lab": {
      const edgeUrls = parseUrls("edge", values.edge);
      const previewUrl = parseUrl("preview", values.preview);
      const { billing, presence, entry } = values;
      const behind = billing === undefined ? {} : { billingUrl: parseUrl("billing", billing) };
      const regions =
        presence === undefined ? {} : { presenceUrls: parseUrls("presence", presence) };
      const before = entry === undefined ? {} : { entryUrl: parseUrl("entry", entry) };
      return { name, ...open, edgeUrls, previewUrl, ...behind, ...regions, ...before };
    }
    default:
      return { name: "demo", ...open };
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: FLAGS, allowPositionals: true });
  } catch (error) {
    // parseArgs adds advice about "--" in further sentences; the first one names the flag.
    throw usage((error as Error).message.split(/\.\s/)[0] as string);
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw usage(`--port must be a whole number from 0 to 65535, got "${text}"`);
}

function parseUrl(flag: Flag, text: string | undefined): URL {
  if (text === undefined) throw usage(`--${flag} is missing: the URL of the ${flag} service`);
  const url = URL.parse(text);
  if (url?.protocol === "http:") return url;
  throw usage(`--${flag} must be an http:// URL, got "${text}"`);
}

function parseUrls(flag: Flag, text: string | undefined): [URL, ...URL[]] {
  const [first, ...others] = text?.split(",") ?? [];
  return [parseUrl(flag, first), ...others.map((other) => parseUrl(flag, other))];
}

function parseApart(seconds: string | undefined): { apartMs?: number } {
  if (seconds === undefined) return {};
  return { apartMs: 1_000 * parseCount("seconds", seconds, 600) };
}

function parseRegion(
  values: Pick<Words, "region" | "peers" | "folder">,
): Omit<PresencePlace, "column"> {
  const { folder = "", peers: listed = "", region = "" } = values;
  const all = listed.split(",").map((peer) => /^([\w-]{1,64})=([^\s:]+:\d{1,5})$/.exec(peer));
  if (all.includes(null)) {
    throw usage(`--peers must be NAME=HOST:PORT of each region, with commas, got "${listed}"`);
  }
  const peers = Object.fromEntries(all.map((peer) => [peer?.[1] ?? "", peer?.[2] ?? ""]));
  const names = Object.keys(peers);
  if (!names.includes(region)) {
    throw usage(`--region must be one of ${names.join(", ")}, got "${region}"`);
  }
  if (folder === "") throw usage("--folder is missing: what the replica writes to");
  return { region, peers, folder };
}

function parsePlace(values: Pick<Words, "member" | "peers" | "folder">): RegistryPlace {
  const { folder = "", peers: listed = "" } = values;
  const peers = listed.split(",");
  for (const peer of peers) {
    if (/^[^\s:]+:\d{1,5}$/.test(peer)) continue;
    throw usage(`--peers must be HOST:PORT of each member, with commas between, got "${listed}"`);
  }
  if (folder === "") throw usage("--folder is missing: what the member writes to");
  return { member: parseCount("member", values.member ?? "", peers.length), peers, folder };
}

function parseCount(flag: Flag, text: string, most: number): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= most) return count;
  throw usage(`--${flag} must be a whole number from 1 to ${most}, got "${text}"`);
}

type Words = { [flag in Flag]?: string };

function parseRedis(text: string | undefined): { redisUrl?: URL } {
  if (text === undefined || text === "") return {};
  const redisUrl = URL.parse(text);
  if (redisUrl?.protocol === "redis:" || redisUrl?.protocol === "rediss:") return { redisUrl };
  throw usage(`--redis must be a redis:// URL, got "${text}"`);
}

function parseSwitch(flag: Flag, text = "on"): boolean {
  if (text === "on" || text === "off") return text === "on";
  throw usage(`--${flag} must be on or off, got "${text}"`);
}

function parseBilling(values: { [flag in Flag]?: string | boolean }): { billing?: Billing } {
  const { billing, retries = "budget", breaker } = values as Record<string, string | undefined>;
  if (billing === undefined) {
    if (values.retries !== undefined) throw usage("--retries goes with --billing");
    if (breaker !== undefined) throw usage("--breaker goes with --billing");
    return {};
  }
  if (!RETRIES.includes(retries as Retries)) {
    throw usage(`--retries must be one of ${RETRIES.join(", ")}, got "${retries}"`);
  }
  const url = parseUrl("billing", billing);
  return {
    billing: { url, retries: retries as Retries, breaker: parseSwitch("breaker", breaker) },
  };
}

function parseExperiments(id = "x1"): readonly string[] {
  if (id === "all") return EXPERIMENT_IDS;
  if (EXPERIMENT_IDS.includes(id)) return [id];
  throw usage(`--experiment must be ${EXPERIMENT_IDS.join(", ")} or all, got "${id}"`);
}

function usage(problem: string): UsageError {
  // What was typed may hold line breaks; what is said about it is one line all the same.
  return new UsageError(`shownotes: ${problem.replaceAll(/\s+/g, " ")} (see --help)`);
}
