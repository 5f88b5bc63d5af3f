// The way of a connection from the door to its filter chain. One timer covers all of it, and one
// place says how it ended:
//
//   accepted ─▶ first bytes ─▶ chain ─▶ TLS ─▶ protocol ─▶ the chain's handler
//               where chains           where the
//               differ by them         chain has it
//
// Nothing of it can hold a place for longer than the listener's timeout, and nothing that a client
// sends on the way can do more than close its own connection.
import type { Socket } from "node:net";
import type { Clock } from "@compendium/runtime";
import type { PeerInfo, Protocol } from "../codec/codec.ts";
import { type ClientHello, type FirstBytes, readFirstBytes } from "../tls/client-hello.ts";
import type { HandshakeFailure } from "../tls/handshakes.ts";
import { peerOf } from "../upstream/connect.ts";
import type { Chain } from "./chain-set.ts";
import type { ChainTable } from "./chain-table.ts";
import { peek, protocolOf } from "./protocol-sniffer.ts";

/** Plain numbers of one listener. */
export interface ListenerNumbers {
  accepted: number;
  active: number;
  /** Closed because there were too many, of the listener or of the chain. */
  overflows: number;
  /** Closed because the first bytes, or those of TLS, took too long. */
  handshakeTimeouts: number;
  /** Closed because no filter chain wanted them. */
  noChain: number;
}

/** What became of TLS on one listener. */
export interface HandshakeNumbers {
  completed: number;
  readonly failed: Record<HandshakeFailure, number>;
}

/** What an arrival needs. */
export interface ArrivalOptions {
  readonly chains: ChainTable<Chain>;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly numbers: ListenerNumbers;
  readonly handshakes: HandshakeNumbers;
}

/** One connection, until its chain has it. */
export class Arrival {
  readonly #options: ArrivalOptions;
  readonly #socket: Socket;
  readonly #peer: PeerInfo;
  #timer: Disposable | undefined;
  #chain: Chain | undefined;
  #isInHandshake = false;

  constructor(socket: Socket, options: ArrivalOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#peer = peerOf(socket);
  }

  /** Begins. */
  start(): void {
    const { chains } = this.#options;
    if (!chains.isFirstBytesNeeded) {
      this.#choose(undefined);
      return;
    }
    this.#await();
    this.#peek(this.#socket, judgeFirstBytes, (first) => {
      if (first.kind === "plain") this.#choose(undefined);
      else if (first.kind === "hello") this.#choose(first.hello);
      else this.#refuse("bad-hello");
    });
  }

  #choose(hello: ClientHello | undefined): void {
    const { chains, numbers } = this.#options;
    const chain = chains.find(hello);
    if (chain === undefined) {
      numbers.noChain++;
      this.#close();
      return;
    }
    const { connectionsMax, tls, filter } = chain.config;
    if (chain.numbers.active >= (connectionsMax ?? Number.POSITIVE_INFINITY)) {
      numbers.overflows++;
      chain.numbers.overflows++;
      this.#close();
      return;
    }
    chain.numbers.active++;
    this.#socket.once("close", () => chain.numbers.active--);
    this.#chain = chain;
    if (tls === undefined && filter.kind === "http" && hello !== undefined) {
      this.#refuse("unexpected-tls");
    } else if (chain.tls === undefined) this.#begin(chain, this.#socket, this.#peer);
    else if (hello === undefined) this.#refuse("not-tls");
    else this.#shakeHands(chain, hello);
  }

  #shakeHands(chain: Chain, hello: ClientHello): void {
    this.#isInHandshake = true;
    chain.tls?.accept(this.#socket, hello, {
      onSecure: (socket, tls) => {
        this.#isInHandshake = false;
        this.#options.handshakes.completed++;
        this.#begin(chain, socket, { ...this.#peer, tls });
      },
      onFailed: (failure) => this.#refuse(failure),
    });
  }

  // What it speaks: the chain says so, or ALPN has agreed on it, or the first bytes tell.
  #begin(chain: Chain, socket: Socket, peer: PeerInfo): void {
    const { filter } = chain.config;
    const agreed = peer.tls?.applicationProtocol;
    const begin = (protocol: Protocol): void => {
      this.#stopWaiting();
      if (!chain.isRetired) {
        chain.handler.accept(socket, peer, protocol);
        return;
      }
      // It was let in by rules that hold no more.
      this.#options.numbers.noChain++;
      this.#close();
    };
    if (filter.kind === "tcp" || filter.codec === "http1") begin("http/1.1");
    else if (filter.codec === "http2" || agreed === "h2") begin("h2");
    else if (agreed !== undefined) begin("http/1.1");
    else {
      this.#await();
      this.#peek(socket, protocolOf, begin);
    }
  }

  #peek<T>(
    socket: Socket,
    judge: (seen: Buffer) => T | undefined,
    onJudged: (it: T) => void,
  ): void {
    const onEnd = (): void => void socket.destroy();
    socket.once("end", onEnd);
    peek(socket, judge, (judged) => {
      socket.off("end", onEnd);
      onJudged(judged);
    });
  }

  #await(): void {
    if (this.#timer !== undefined) return;
    const { clock, timeoutMs } = this.#options;
    this.#timer = clock.setTimer(clock.now() + timeoutMs, () => {
      this.#options.numbers.handshakeTimeouts++;
      if (this.#isInHandshake) this.#refuse("timeout");
      else this.#close();
    });
    this.#socket.once("close", this.#stopWaiting);
  }

  readonly #stopWaiting = (): void => {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#socket.off("close", this.#stopWaiting);
  };

  #refuse(failure: HandshakeFailure): void {
    this.#options.handshakes.failed[failure]++;
    this.#close();
  }

  #close(): void {
    this.#chain?.tls?.forget(this.#socket);
    this.#stopWaiting();
    this.#socket.destroy();
  }
}

function judgeFirstBytes(seen: Buffer): Exclude<FirstBytes, { kind: "more" }> | undefined {
  const first = readFirstBytes(seen);
  return first.kind === "more" ? undefined : first;
}
