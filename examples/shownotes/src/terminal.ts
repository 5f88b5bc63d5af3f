// What the demo says: one line after another; and where somebody watches, a last line that changes
// in place. In a file or a pipe there is no such line, only what was said.

/** The part of `process.stdout` that is needed here. */
export interface Screen {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Writes lines above a status line. */
export class Terminal {
  readonly #screen: Screen;
  #status = "";

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Writes a line, above the status. */
  say(line: string): void {
    this.#screen.write(`${this.#erasing()}${line}\n${this.#status}`);
  }

  /** Shows a status in place of the last one; an empty one shows none. Only at a terminal. */
  status(text: string): void {
    if (!this.#screen.isTTY) return;
    // A line that wraps could not be erased as one.
    const line = text.slice(0, (this.#screen.columns || 80) - 1);
    if (line === this.#status) return;
    this.#screen.write(`${this.#erasing()}${line}`);
    this.#status = line;
  }

  #erasing(): string {
    return this.#status === "" ? "" : "\r\u001b[2K";
  }
}
