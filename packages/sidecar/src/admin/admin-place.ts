// Where the admin interface listens. A configuration may move it, and may be refused afterwards: so
// the new place is there first, because whoever asks whether a proxy is ready asks before it is,
// and the old one goes when the configuration is in force.
import type { AddressConfig } from "../config/listener-config.ts";
import { AdminServer } from "./admin-server.ts";
import type { AdminSubject } from "./admin-subject.ts";

/** A move that has begun. */
export interface AdminMove {
  /** The configuration is in force: the old place is given up. */
  keep(): Promise<void>;
  /** It was refused: the new one is. */
  undo(): Promise<void>;
}

interface Running {
  readonly server: AdminServer | undefined;
  readonly address: AddressConfig | undefined;
  readonly port: number | undefined;
}

const nowhere: Running = { server: undefined, address: undefined, port: undefined };
const noMove: AdminMove = { keep: async () => {}, undo: async () => {} };

/** The admin interface, wherever it is. */
export class AdminPlace implements AsyncDisposable {
  readonly #subject: () => AdminSubject;
  #running = nowhere;
  // One at a time, or two would listen and one be forgotten.
  #moving: Promise<unknown> = Promise.resolve();

  /** @param subject asked for when there is somewhere to listen */
  constructor(subject: () => AdminSubject) {
    this.#subject = subject;
  }

  /** Where it listens; `undefined` for nowhere. */
  get port(): number | undefined {
    return this.#running.port;
  }

  /**
   * Listens at this address, too.
   *
   * @throws Error when it cannot be had; nothing has changed then
   */
  move(address: AddressConfig | undefined): Promise<AdminMove> {
    const moved = this.#moving.then(() => this.#move(address));
    this.#moving = moved.catch(() => {});
    return moved;
  }

  /** Listens nowhere any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#moving;
    await close(this.#running);
    this.#running = nowhere;
  }

  async #move(address: AddressConfig | undefined): Promise<AdminMove> {
    const before = this.#running;
    if (isSame(before.address, address)) return noMove;
    const after = address === undefined ? nowhere : await this.#listen(address);
    this.#running = after;
    return {
      keep: () => close(before),
      undo: async () => {
        // Unless it has moved on by now.
        if (this.#running === after) this.#running = before;
        await close(after);
      },
    };
  }

  async #listen(address: AddressConfig): Promise<Running> {
    const server = new AdminServer(this.#subject());
    return { server, address, port: await server.listen(address.address, address.port) };
  }
}

async function close({ server }: Running): Promise<void> {
  await server?.[Symbol.asyncDispose]();
}

function isSame(a: AddressConfig | undefined, b: AddressConfig | undefined): boolean {
  return a?.address === b?.address && a?.port === b?.port;
}
