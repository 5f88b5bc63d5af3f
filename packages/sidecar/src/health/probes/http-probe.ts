// The HTTP probe (Envoy, "HTTP health checker"): a GET whose status must be among the expected
// ones. Any other status is an answer, "unhealthy"; no status is none. It is sent in the protocol
// of the cluster, by the codec that its requests take.
import type { Host } from "../../cluster/host.ts";
import type { ClientCodec, RequestHead, ResponseReceiver } from "../../codec/codec.ts";
import { Fields } from "../../codec/fields.ts";
import type { Probe } from "../health-checker.ts";
import type { Connect, ProbeConnection } from "./connect.ts";

/** What is asked and what is fine. */
export interface HttpCheck {
  /** For the Host field; empty: the host's name, or its address. */
  readonly host: string;
  readonly path: string;
  /** Ranges of status codes, the end excluded. */
  readonly expected: readonly (readonly [from: number, to: number])[];
}

/** Probes a path. */
export function httpProbe(check: HttpCheck, connect: Connect, codec: ClientCodec): Probe {
  return async (host, signal) => {
    const { socket, peer, protocol } = await connect(host, signal);
    const connection = codec.open(socket, peer, protocol, () => {});
    try {
      const status = await new Promise<number>((resolve, reject) => {
        const stream = connection.start(new Asked(resolve, reject));
        stream.sendHead(headOf(check, host, { socket, peer, protocol }), true);
      });
      const isExpected = check.expected.some(([from, to]) => status >= from && status < to);
      return isExpected ? "healthy" : "unhealthy";
    } finally {
      connection.destroy();
    }
  };
}

function headOf(check: HttpCheck, host: Host, { peer, protocol }: ProbeConnection): RequestHead {
  const fields = new Fields();
  fields.append("user-agent", "compendium-sidecar/health-check");
  return {
    method: "GET",
    scheme: peer.tls === undefined ? "http" : "https",
    authority: check.host || host.hostname || host.address,
    path: check.path,
    fields,
    protocol,
    upgrade: undefined,
  };
}

// The status, once the answer is whole: a host that hangs in the middle of it is not well.
class Asked implements ResponseReceiver {
  readonly #resolve: (status: number) => void;
  readonly #reject: (reason: Error) => void;
  #status = 0;

  constructor(resolve: (status: number) => void, reject: (reason: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onInformational(): void {}

  onHead({ status }: { readonly status: number }, end: boolean): void {
    this.#status = status;
    if (end) this.#resolve(status);
  }

  onData(_chunk: Uint8Array, end: boolean): void {
    if (end) this.#resolve(this.#status);
  }

  onTrailers(): void {
    this.#resolve(this.#status);
  }

  onReset(reason: string, detail: string): void {
    this.#reject(new Error(`${reason}: ${detail}`));
  }

  onWritable(): void {}
}
