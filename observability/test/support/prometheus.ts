// A real Prometheus with the repository's rules, on a free port of 127.0.0.1, that scrapes one
// target every quarter of a second. Its data is in a folder of its own, and gone afterwards. The
// first scrape comes after five seconds: so often, and not at once, Prometheus looks for targets.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Need } from "@compendium/metrics/testing";
import { prometheusFolder } from "./rules.ts";

/** The server, if it is on the PATH. */
export function prometheus(): Need {
  const { status } = spawnSync("prometheus", ["--version"]);
  return {
    name: "prometheus",
    present: status === 0,
    how: "it is a package of its own (Debian, Ubuntu: apt-get install prometheus)",
  };
}

/** A sample of an instant vector. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [atSeconds: number, value: string];
}

/** A running server. */
export class PrometheusServer implements AsyncDisposable {
  readonly #url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exited: Promise<void>;
  #output = "";

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.#url = url;
    this.#child = child;
    this.#folder = folder;
    // "exit" may never come for what could not be started.
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    child.stderr?.on("data", (chunk) => {
      this.#output = `${this.#output}${chunk}`.slice(-4_000);
    });
  }

  /** Starts one that scrapes `target` (`host:port`) as the job `edge`. */
  static async start(target: string): Promise<PrometheusServer> {
    const folder = await mkdtemp(path.join(tmpdir(), "compendium-prometheus-"));
    const port = await freePort();
    const config = {
      global: { scrape_interval: "250ms", scrape_timeout: "250ms", evaluation_interval: "250ms" },
      rule_files: [path.join(prometheusFolder, "rules/*.rules.yml")],
      scrape_configs: [{ job_name: "edge", static_configs: [{ targets: [target] }] }],
    };
    // JSON is YAML.
    await writeFile(path.join(folder, "prometheus.yml"), JSON.stringify(config));
    const child = spawn(
      "prometheus",
      [
        `--config.file=${path.join(folder, "prometheus.yml")}`,
        `--storage.tsdb.path=${path.join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=warn",
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    return new PrometheusServer(`http://127.0.0.1:${port}`, child, folder);
  }

  /** What the API answers at `path`; throws with its own words where it refuses. */
  async get<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const query = new URLSearchParams(parameters);
    const response = await fetch(`${this.#url}/api/v1/${path}?${query}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== "success") throw new Error(answer.error);
    return answer.data;
  }

  /** What an expression is worth now. */
  async query(expression: string): Promise<Sample[]> {
    return (await this.get<{ result: Sample[] }>("query", { query: expression })).result;
  }

  /** Asks again and again until `holds`, for at most `timeoutMs`. */
  async until(holds: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    let last: unknown;
    while (performance.now() < endMs) {
      if (this.#child.exitCode !== null) break;
      try {
        if (await holds()) return;
        last = undefined;
      } catch (error) {
        last = error; // It may not listen yet.
      }
      await sleep(50);
    }
    const message = `Prometheus did not come so far within ${timeoutMs} ms:\n${this.#output}`;
    throw new Error(message, { cause: last });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
