// Load: clients that ask again as soon as they are answered, and what came of it.
import type { LoadClient } from "./clients.ts";

export class Load {
  /** Answers of either kind. */
  requests = 0;
  /** What went wrong, and whose request it was. */
  readonly failures: string[] = [];
  /** Clients that found nobody at the door, and stayed away. */
  turnedAway = 0;
  /** Right answers, by the kind of client. */
  readonly answered: Map<string, number> = new Map();
  readonly #clients: readonly LoadClient[];
  readonly #workers: Promise<void>[];
  #isOver = false;
  #number = 0;

  /** @param workers requests at a time of each client */
  constructor(clients: readonly LoadClient[], workers: number) {
    this.#clients = clients;
    this.#workers = clients.flatMap((client) =>
      Array.from({ length: workers }, () => this.#work(client)),
    );
  }

  /** Settles when `requests` more have been answered. */
  async more(requests: number): Promise<void> {
    const enough = this.requests + requests;
    while (this.requests < enough && this.failures.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Lets what is under way end. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.left();
  }

  /** Settles when all clients are gone: turned away, or stopped. */
  async left(): Promise<void> {
    await Promise.all(this.#workers);
    for (const client of this.#clients) client[Symbol.dispose]();
  }

  async #work(client: LoadClient): Promise<void> {
    while (!this.#isOver) {
      const outcome = await client.ask(this.#number++);
      if (outcome === "turned away") {
        this.turnedAway++;
        return;
      }
      this.requests++;
      const { answered } = this;
      if (outcome === "answered") answered.set(client.name, (answered.get(client.name) ?? 0) + 1);
      else this.failures.push(`${client.name}: ${outcome.failed}`);
    }
  }
}
