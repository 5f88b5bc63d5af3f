// HTTP/1.1 on a bare socket: prebuilt bytes out, the least reader in.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Budget, Lane } from "./lane.ts";
import { AnswerReader, type Dialogue } from "./messages.ts";

/** Where a proxy listens; with `ca`, by TLS 1.3. */
export interface Target {
  readonly port: number;
  readonly ca?: string | undefined;
}

/** One connection, one request at a time. */
export class KeptLane implements Lane {
  readonly #target: Target;
  readonly #dialogue: Dialogue;
  readonly #reader: AnswerReader;
  #socket: Socket | undefined;
  #onAnswer: () => void = () => {};
  #onError: (error: Error) => void = () => {};

  constructor(target: Target, dialogue: Dialogue) {
    this.#target = target;
    this.#dialogue = dialogue;
    this.#reader = new AnswerReader(dialogue.answerBytes);
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onError = reject;
      this.#socket = connectTo(this.#target, {
        onOpen: resolve,
        onBytes: (bytes) => {
          try {
            if (this.#reader.push(bytes)) this.#onAnswer();
          } catch (error) {
            this.#onError(error as Error);
          }
        },
        onEnd: (error) => this.#onError(error ?? new Error("the proxy closed the connection")),
      });
    });
  }

  run(budget: Budget): Promise<void> {
    return new Promise((resolve, reject) => {
      const ask = (): void => {
        if (budget.take()) this.#socket?.write(this.#dialogue.request);
        else resolve();
      };
      this.#onError = reject;
      this.#onAnswer = () => {
        budget.answers++;
        ask();
      };
      ask();
    });
  }

  close(): void {
    this.#onError = () => {};
    this.#socket?.destroy();
  }
}

/** A connection for each request, closed by the proxy as it was asked to. */
export class FreshLane implements Lane {
  readonly #target: Target;
  readonly #dialogue: Dialogue;

  constructor(target: Target, dialogue: Dialogue) {
    this.#target = target;
    this.#dialogue = dialogue;
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  async run(budget: Budget): Promise<void> {
    while (budget.take()) {
      await this.#once();
      budget.answers++;
    }
  }

  close(): void {}

  #once(): Promise<void> {
    return new Promise((resolve, reject) => {
      const reader = new AnswerReader(this.#dialogue.answerBytes);
      let isAnswered = false;
      const socket = connectTo(this.#target, {
        onOpen: () => socket.write(this.#dialogue.request),
        onBytes: (bytes) => {
          try {
            isAnswered = reader.push(bytes);
          } catch (error) {
            reject(error as Error);
          }
        },
        onEnd: (error) => {
          socket.destroy();
          if (isAnswered) resolve();
          else reject(error ?? new Error("the proxy closed the connection"));
        },
      });
    });
  }
}

interface SocketEvents {
  onOpen(): void;
  /** The bytes are overwritten afterwards. */
  onBytes(bytes: Buffer): void;
  onEnd(error?: Error): void;
}

function connectTo({ port, ca }: Target, { onOpen, onBytes, onEnd }: SocketEvents): Socket {
  const host = "127.0.0.1";
  const socket =
    ca === undefined ? connectPlain(port, onBytes) : connectTls({ host, port, ca, ...tls });
  if (ca !== undefined) socket.on("data", onBytes);
  socket.setNoDelay(true);
  socket.once(ca === undefined ? "connect" : "secureConnect", onOpen);
  socket.on("error", onEnd);
  socket.on("end", () => onEnd());
  return socket;
}

const tls = { servername: "localhost", minVersion: "TLSv1.3" } as const;

// All sockets read into one buffer: nothing is kept past the call, and nothing is allocated.
const shared = Buffer.allocUnsafe(65_536);

function connectPlain(port: number, onBytes: (bytes: Buffer) => void): Socket {
  const callback = (length: number, buffer: Uint8Array): boolean => {
    onBytes((buffer as Buffer).subarray(0, length));
    return true;
  };
  return connect({ host: "127.0.0.1", port, onread: { buffer: shared, callback } });
}
