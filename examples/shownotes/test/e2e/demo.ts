// The demo as a process, seen from outside: what it prints, which processes it starts, how it ends.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import type { Need } from "@compendium/metrics/testing";
import type { LabState } from "../../src/lab.ts";

/** What the package's own `start` script runs. */
export const START: string = fileURLToPath(new URL("../../start.mjs", import.meta.url));

/** Node and its flags, as in the `start` script. */
export const NODE: readonly string[] = [
  process.execPath,
  "--conditions=@compendium/source",
  "--max-semi-space-size=1",
];

// Children, at their most decent, take 4.5 s; the supervisor does not wait for more than 4.8 s.
/** Within what the demo ends when asked to. */
export const END_MS_MAX = 5_500;
/** What the processes are watched with. */
export const linux: Need = {
  name: "linux",
  present: process.platform === "linux",
  how: "processes are watched through /proc, and terminals made by util-linux's script",
};

const WAIT_MS_MAX = 30_000;
const running = new Set<Demo>();

/** Kills what a failed test has left. */
export function killLeftovers(): void {
  for (const demo of running) demo.kill("SIGKILL");
}

/** A demo that was started. */
export class Demo {
  /** All that was printed, on both streams. */
  output = "";
  errors = "";
  readonly startedAt: number = performance.now();
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | string>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    running.add(this);
    process.stdout?.on("data", (chunk) => {
      this.output += chunk;
    });
    process.stderr?.on("data", (chunk) => {
      this.output += chunk;
      this.errors += chunk;
    });
    // Not "close": a child that outlives the demo would hold the streams open.
    this.#ended = once(process, "exit").then(([code, signal]) => {
      running.delete(this);
      return code ?? signal;
    });
  }

  /** Starts the demo, or the command that is given, without a terminal. */
  static start(args: readonly string[], command: readonly string[] = [...NODE, START]): Demo {
    const [file = "", ...rest] = [...command, ...args];
    const env = { ...process.env, NO_COLOR: "1" };
    return new Demo(spawn(file, rest, { env, stdio: ["ignore", "pipe", "pipe"] }));
  }

  /** Starts it at a terminal of its own, by util-linux's `script`; {@link type} presses keys. */
  static startAtTerminal(args: readonly string[]): Demo {
    const command = [...NODE, START, ...args].join(" ");
    const options = ["--quiet", "--return", "--flush", "--command", command, "/dev/null"];
    return new Demo(spawn("script", options, { stdio: "pipe" }));
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  type(keys: string): void {
    this.#process.stdin?.write(keys);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** The exit code, or the signal. */
  async end(): Promise<number | string> {
    const late = new Promise<never>((_, reject) => {
      const fail = () => reject(new Error(`it did not end; it printed:\n${this.output}`));
      setTimeout(fail, WAIT_MS_MAX).unref();
    });
    return Promise.race([this.#ended, late]);
  }

  /** Waits until it has printed what matches, and returns the match. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    const giveUpAt = performance.now() + WAIT_MS_MAX;
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (performance.now() > giveUpAt) {
        throw new Error(`it did not print ${pattern}, but:\n${this.output}`);
      }
      await pause(20);
    }
  }

  /** The processes it has started, newest last. */
  children(): number[] {
    return childrenOf(this.pid);
  }

  /** Waits until it has that many. */
  async childrenReach(count: number): Promise<number[]> {
    const giveUpAt = performance.now() + WAIT_MS_MAX;
    while (this.children().length < count) {
      if (performance.now() > giveUpAt) throw new Error(`it never had ${count} children`);
      await pause(20);
    }
    return this.children();
  }
}

/** The pids of a process's children, oldest first. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return text.trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Which of the processes still run; a zombie does not. */
export function survivors(pids: readonly number[]): number[] {
  return pids.filter((pid) => {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  });
}

/** The words a process was started with. */
export function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
}

/** Memory that is a process's own, and its part of what it shares, in MB. */
export function pssMb(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Math.round(Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) / 1_024);
}

/** What `GET /lab` shows. */
export async function look(url: string): Promise<LabState> {
  return (await (await fetch(new URL("/lab", url))).json()) as LabState;
}

/** Takes a port of 127.0.0.1; 0: any. */
export function take(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
