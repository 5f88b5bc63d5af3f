// Access logs: a line for each request, as its listener's configuration has it. Listeners that name
// one path share one writer, so that their lines do not run into each other, and a configuration
// that comes later goes on in the same file.
import type { Writable } from "node:stream";
import type { Clock } from "@compendium/runtime";
import type { FormatContext } from "../config/format-context.ts";
import type { AccessLogConfig } from "../config/listener-config.ts";
import type { RequestObserver } from "../router/observer.ts";
import { LogWriter, openLogFile, streamTarget } from "./log-writer.ts";

/** What access logs ask of the world. */
export interface AccessLogOptions {
  readonly clock: Pick<Clock, "now" | "setTimer">;
  /** Told of a log that cannot be written, once until it can again. */
  readonly onError?: ((path: string, error: Error) => void) | undefined;
  /** What `/dev/stdout` is. Default: the process's. */
  readonly stdout?: Writable;
  /** What `/dev/stderr` is. Default: the process's. */
  readonly stderr?: Writable;
}

/** All access logs of a process. */
export class AccessLogs implements AsyncDisposable {
  readonly #options: AccessLogOptions;
  readonly #writers = new Map<string, LogWriter>();
  // Of writers that nobody names any more.
  #dropped = 0;
  #written = 0;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  /** Writes a line for each request into each of these logs. */
  observerOf(configs: readonly AccessLogConfig[]): RequestObserver {
    const logs = configs.map(({ path, line }) => ({ line, writer: this.#writerOf(path) }));
    return {
      onEnd: (info) => {
        for (const { line, writer } of logs) writer.write(line.render(info));
      },
    };
  }

  /** Writes a line into each of these logs now. */
  log(configs: readonly AccessLogConfig[], context: FormatContext): void {
    for (const { path, line } of configs) this.#writerOf(path).write(line.render(context));
  }

  /** Lines, since the beginning. */
  stats(): { readonly written: number; readonly dropped: number } {
    let [written, dropped] = [this.#written, this.#dropped];
    for (const { numbers } of this.#writers.values()) {
      written += numbers.written;
      dropped += numbers.dropped;
    }
    return { written, dropped };
  }

  /** Closes the files that are not among these; what is under way there is still written. */
  async retain(paths: ReadonlySet<string>): Promise<void> {
    const gone = [...this.#writers].filter(([path]) => !paths.has(path));
    for (const [path] of gone) this.#writers.delete(path);
    await Promise.all(
      gone.map(async ([, writer]) => {
        await writer.rest();
        this.#written += writer.numbers.written;
        this.#dropped += writer.numbers.dropped;
      }),
    );
  }

  /** Settles when all lines so far are written or lost. */
  async flush(): Promise<void> {
    await Promise.all([...this.#writers.values()].map((writer) => writer.flush()));
  }

  /** Opens every file anew, after somebody has moved it away. */
  reopen(): void {
    for (const writer of this.#writers.values()) writer.reopen();
  }

  /** Writes what waits, and closes the files. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.retain(new Set());
  }

  #writerOf(path: string): LogWriter {
    const known = this.#writers.get(path);
    if (known !== undefined) return known;
    const { clock, onError, stdout = process.stdout, stderr = process.stderr } = this.#options;
    const made = new LogWriter({
      clock,
      open: async () => {
        if (path === "/dev/stdout") return streamTarget(stdout);
        return path === "/dev/stderr" ? streamTarget(stderr) : await openLogFile(path);
      },
      onError: (error) => onError?.(path, error),
    });
    this.#writers.set(path, made);
    return made;
  }
}
