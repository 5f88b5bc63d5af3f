// The command line, as a function: arguments in, lines and an exit code out, so that a test needs
// no process for it. bin.ts gives it a real one.
//
// Exit codes: 0 after a clean stop, 1 when a port cannot be had, 2 for a wrong argument (one line
// on stderr that says which, as POSIX utilities do).

import { parseArgs } from "node:util";
import { ChaosControl } from "./control.ts";
import { ChaosError } from "./errors.ts";
import { problemError, readFaults } from "./faults.ts";
import { type Address, formatAddress } from "./listen.ts";
import { FaultProxy, type FaultProxyOptions } from "./proxy.ts";

/** What {@link runCli} needs of a process. */
export interface CliSurroundings {
  /** Takes one line for stdout. */
  out: (line: string) => void;
  /** Takes one line for stderr. */
  err: (line: string) => void;
  /** Aborting it stops the proxies cleanly. */
  signal: AbortSignal;
}

const HELP = `compendium-chaos: a TCP proxy that breaks connections on purpose

  --listen HOST:PORT      where clients connect; repeat it for more proxies
  --upstream HOST:PORT    the server behind; the n-th belongs to the n-th --listen
  --name NAME             its name in the control API (default: proxy-1, proxy-2, …)
  --control HOST:PORT     where to serve the control API (default: nowhere)
  --faults JSON           in force from the start, for every proxy
  --seed N                draws the jitter (default 0)
  --buffer-bytes-max N    held per direction and connection (default 262144)
  --connections-max N     at once, per proxy (default 1024)
  --help                  this text

HOST: is 127.0.0.1 where it is left out. Stop it with SIGTERM or SIGINT.`;

interface Plan {
  proxies: { name: string; options: FaultProxyOptions }[];
  control: Address | undefined;
}

/** Runs until the signal aborts and returns the exit code; every resource is given back then. */
export async function runCli(args: readonly string[], around: CliSurroundings): Promise<number> {
  try {
    const plan = readPlan(args);
    if (plan) await run(plan, around);
    else around.out(HELP);
    return 0;
  } catch (error) {
    if (error === around.signal.reason) return 0;
    const { message, code } = error as NodeJS.ErrnoException;
    const misused = error instanceof TypeError || error instanceof RangeError;
    if (!misused && !(error instanceof ChaosError)) throw error;
    const hint = code?.startsWith("ERR_PARSE_ARGS") ? "; --help lists the options" : "";
    // parseArgs explains at length how to pass "-x" as a positional; there are none here.
    around.err(`compendium-chaos: ${message.split(/\. To specify|\.?\n/, 1)[0]}${hint}`);
    return misused ? 2 : 1;
  }
}

async function run({ proxies, control }: Plan, { out, signal }: CliSurroundings): Promise<void> {
  const held: AsyncDisposable[] = [];
  const named: Record<string, FaultProxy> = {};
  try {
    for (const { name, options } of proxies) {
      const proxy = await FaultProxy.listen({ ...options, signal });
      held.push(proxy);
      named[name] = proxy;
      out(`${name}: ${formatAddress(proxy.address)} -> ${formatAddress(proxy.upstream)}`);
    }
    if (control) {
      const server = await ChaosControl.listen({ proxies: named, listen: control, signal });
      held.push(server);
      out(`control: http://${formatAddress(server.address)}/proxies`);
    }
    if (signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  } finally {
    await Promise.all(held.map((each) => each[Symbol.asyncDispose]()));
  }
}

// Undefined asks for help.
function readPlan(args: readonly string[]): Plan | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      listen: { type: "string", multiple: true },
      upstream: { type: "string", multiple: true },
      name: { type: "string", multiple: true },
      control: { type: "string" },
      faults: { type: "string" },
      seed: { type: "string" },
      "buffer-bytes-max": { type: "string" },
      "connections-max": { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return undefined;
  const { listen = [], upstream = [], name = [] } = values;
  if (listen.length === 0 || listen.length !== upstream.length) {
    const got = `got ${listen.length} and ${upstream.length}`;
    throw new TypeError(`--listen and --upstream must come in pairs, at least one; ${got}`);
  }
  const names = listen.map((_, i) => name[i] ?? `proxy-${i + 1}`);
  if (name.length > listen.length || new Set(names).size < names.length) {
    throw new TypeError(`--name must differ and be at most one per --listen, got ${names}`);
  }
  const shared = {
    ...optional("seed", readInteger("--seed", values.seed)),
    ...optional("bufferBytesMax", readInteger("--buffer-bytes-max", values["buffer-bytes-max"])),
    ...optional("connectionsMax", readInteger("--connections-max", values["connections-max"])),
    faults: readFaultsFlag(values.faults),
  };
  return {
    control: values.control === undefined ? undefined : readAddress("--control", values.control),
    proxies: names.map((each, i) => ({
      name: each,
      options: {
        ...shared,
        listen: readAddress("--listen", listen[i] as string),
        upstream: readAddress("--upstream", upstream[i] as string),
      },
    })),
  };
}

function readAddress(flag: string, text: string): Address {
  const [, bracketed, plain, port] = /^(?:(?:\[([^\]]+)\]|([^:]*)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new TypeError(`${flag} must be HOST:PORT, such as 127.0.0.1:9001, got "${text}"`);
  }
  return { host: bracketed || plain || "127.0.0.1", port: Number(port) };
}

function readInteger(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,16}$/.test(text)) return Number(text);
  throw new TypeError(`${flag} must be a whole number, got "${text}"`);
}

function readFaultsFlag(text: string | undefined): FaultProxyOptions["faults"] & object {
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TypeError(`--faults must be JSON, such as {"refuse":true}, got "${text}"`);
  }
  const reading = readFaults(value);
  if (reading.problem) throw problemError(reading.problem);
  return reading.faults;
}

function optional<K extends string>(key: K, value: number | undefined): { [P in K]?: number } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: number });
}
