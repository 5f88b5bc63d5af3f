// What the process says of itself, in lines, as far as its level lets it. Requests are not its
// matter: those are in access logs.

/** What a proxy logs, from the most to the least. */
export const logLevels = ["debug", "info", "warning", "error", "off"] as const;

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

/** Where lines go. */
export interface LoggerOutputs {
  /** Takes a line of what goes well. */
  readonly out: (line: string) => void;
  /** Takes a line of what does not. */
  readonly err: (line: string) => void;
}

/** Lines with a level. */
export class Logger {
  /** May be changed at any time. */
  level: LogLevel = "info";
  readonly #outputs: LoggerOutputs;

  constructor(outputs: LoggerOutputs) {
    this.#outputs = outputs;
  }

  /** What only matters to whoever looks for a fault. */
  debug(line: string): void {
    if (this.#shows("debug")) this.#outputs.out(line);
  }

  /** What has happened, as it should. */
  info(line: string): void {
    if (this.#shows("info")) this.#outputs.out(line);
  }

  /** What is not as somebody may think. */
  warning(line: string): void {
    if (this.#shows("warning")) this.#outputs.err(line);
  }

  /** What does not work. */
  error(line: string): void {
    if (this.#shows("error")) this.#outputs.err(line);
  }

  #shows(level: LogLevel): boolean {
    return logLevels.indexOf(level) >= logLevels.indexOf(this.level);
  }
}
