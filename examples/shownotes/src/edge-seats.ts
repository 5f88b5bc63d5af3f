// The edge's hop to the registry: who sits in a workspace, and what it has paid for.
//
//     GET    /workspaces/acme/seats            {"paid": 2, "people": ["ada"]}
//     POST   /workspaces/acme/seats            {"person": "ada"}: 200, or 409 where all are taken
//     DELETE /workspaces/acme/seats/ada        200, whether somebody sat there or not
//
// No retry policy stands here, and no idempotency key: a session of the registry is both. What it
// cannot say in time is 503, with whether it may have happened.
import type { IncomingMessage, ServerResponse } from "node:http";
import { readJson, sendJson, sendText } from "./http.ts";
import { type RegistryClient, RegistryError, type RegistrySession } from "./registry-client.ts";
import { type RegistryAnswer, type RegistryCommand, readName } from "./registry-commands.ts";
import { registryAt } from "./registry-http.ts";

// Twice the longest gap that a death of the leader is expected to leave.
const PATIENCE_MS = 2_000;

/** Seats, by way of the registry. */
export class SeatsClient {
  readonly #client: RegistryClient;
  // One for all that this edge asks; opened when it is needed, and anew when it is forgotten.
  #session: Promise<RegistrySession> | undefined;

  constructor(registryUrls: readonly URL[]) {
    this.#client = registryAt(registryUrls);
  }

  /** Counts paid seats, once for each charge. Rejects with a {@link RegistryError}. */
  async pay(workspace: string, charge: string, seats: number): Promise<RegistryAnswer> {
    return await this.#run({ do: "pay", workspace, charge, seats });
  }

  /** Answers `/workspaces/…/seats`. */
  handle(
    workspace: string,
    person: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    this.#answer(workspace, person, request).then(
      ({ status, body }) => sendJson(response, status, body),
      (error: Error) => refuse(response, error),
    );
  }

  async #answer(
    workspace: string,
    person: string | undefined,
    request: IncomingMessage,
  ): Promise<{ status: number; body: object }> {
    switch (request.method) {
      case "GET": {
        const { paid, people } = await this.#client.read(
          { of: "seats", workspace },
          { timeoutMs: PATIENCE_MS },
        );
        return { status: 200, body: { paid, people } };
      }
      case "POST": {
        const { person: told } = await readJson(request);
        const asked = readName("person", told);
        const { ok, paid, taken } = await this.#run({ do: "take", workspace, person: asked });
        return { status: ok ? 200 : 409, body: { paid, taken } };
      }
      case "DELETE": {
        const asked = readName("person", person);
        const { paid, taken } = await this.#run({ do: "free", workspace, person: asked });
        return { status: 200, body: { paid, taken } };
      }
    }
    throw new TypeError("only GET, POST and DELETE");
  }

  async #run(command: RegistryCommand): Promise<RegistryAnswer> {
    this.#session ??= this.#client.openSession({ timeoutMs: PATIENCE_MS });
    const opening = this.#session;
    try {
      return await (await opening).run(command, { timeoutMs: PATIENCE_MS });
    } catch (error) {
      // One that was not opened, or that the registry has forgotten: the next call has another.
      const isOver = (error as RegistryError).code === "SESSION_EXPIRED";
      if (isOver || (await isRejected(opening))) this.#forget(opening);
      throw error;
    }
  }

  #forget(session: Promise<RegistrySession>): void {
    if (this.#session === session) this.#session = undefined;
  }
}

function isRejected(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  );
}

function refuse(response: ServerResponse, error: Error): void {
  if (error instanceof RegistryError) {
    const { code, outcome } = error;
    return sendJson(response, 503, { code, outcome, message: "the registry did not answer" });
  }
  const isTheirs = [TypeError, RangeError, SyntaxError].some((type) => error instanceof type);
  sendText(response, isTheirs ? 400 : 500, `${error.message}\n`);
}
