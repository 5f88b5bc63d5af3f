// The connecting end. Everything that makes a gRPC channel convenient is switched off: it would
// share a connection with others, connect again under a link that has lost messages, repeat a call,
// ask the DNS for a configuration, or go to sleep. Here a channel is a connection: it has one call,
// and ends with it.
import {
  type ChannelOptions,
  Client,
  credentials,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { RuntimeError } from "../error.ts";
import { parseAddress } from "../node/address.ts";
import { connectFailed } from "./connect-failed.ts";
import { frameBytesMax } from "./grpc-link.ts";
import type { TlsIdentity } from "./tls.ts";
import { type LinkMethod, linkMethod, type Wire, type WireListener } from "./wire.ts";

/** What both ends of a connection are told. */
export interface WireSettings {
  readonly service: string;
  readonly messageBytesMax: number;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly handshakeMs: number;
  readonly tls: TlsIdentity | undefined;
}

const WINDOW_BYTES = 2 ** 20;

/**
 * Makes a call, and has it adopted when it is accepted: in that very turn, since its end may be the
 * next thing that is heard.
 *
 * @throws RuntimeError `CONNECT_FAILED`; the signal's reason, in the turn in which it is aborted
 */
export async function connectWire<L>(
  address: string,
  settings: WireSettings,
  signal: AbortSignal | undefined,
  adopt: (wire: Wire) => L,
): Promise<L> {
  const { host } = parseAddress("address", address);
  signal?.throwIfAborted();
  const client = clientOf(address, host, settings);
  return await new Promise<L>((resolve, reject) => {
    const wire = new ClientWire(client, settings.service, address);
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const fail = (reason: unknown) => {
      settle();
      wire.destroy();
      reject(reason);
    };
    const onAbort = () => fail(signal?.reason);
    const timer = setTimeout(() => {
      const message = `connect to ${address}: no answer within ${settings.handshakeMs} ms`;
      fail(new RuntimeError("CONNECT_FAILED", message));
    }, settings.handshakeMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    wire.start(
      () => {
        settle();
        resolve(adopt(wire));
      },
      (refusal) => fail(connectFailed(address, refusal, settings.tls !== undefined)),
    );
  });
}

function clientOf(address: string, host: string, settings: WireSettings): Client {
  const tls = settings.tls?.client(host);
  const options: ChannelOptions = {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
    "grpc.enable_http_proxy": 0,
    "grpc.enable_channelz": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.client_idle_timeout_ms": 2 ** 31 - 1,
    "grpc.keepalive_time_ms": settings.keepaliveMs,
    "grpc.keepalive_timeout_ms": settings.keepaliveTimeoutMs,
    // After the call as well: a stalled peer must not hold the socket of a link that is closed.
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.max_receive_message_length": frameBytesMax(settings.messageBytesMax),
    "grpc.max_send_message_length": -1,
    "grpc-node.flow_control_window": WINDOW_BYTES,
    ...(tls !== undefined && { "grpc.ssl_target_name_override": tls.askFor }),
  };
  const channelCredentials =
    tls === undefined
      ? credentials.createInsecure()
      : credentials.createFromSecureContext(tls.context, { checkServerIdentity: tls.check });
  return new Client(address, channelCredentials, options);
}

// grpc-js does not export its name.
type ClientCall = ReturnType<Parameters<Interceptor>[1]>;

// The connecting end of a call.
class ClientWire implements Wire {
  readonly peer: string;
  listener: WireListener | undefined;
  readonly #client: Client;
  readonly #method: LinkMethod;
  #call: ClientCall | undefined;

  constructor(client: Client, service: string, peer: string) {
    this.#client = client;
    this.#method = linkMethod(service);
    this.peer = peer;
  }

  start(onAccept: () => void, onRefusal: (status: StatusObject) => void): void {
    const listener = {
      onReceiveMetadata: onAccept,
      onReceiveMessage: (frame: Buffer) => this.listener?.onFrame(frame),
      onReceiveStatus: (status: StatusObject) => {
        this.#client.close();
        if (this.listener === undefined) onRefusal(status);
        else this.#report(status, this.listener);
      },
    };
    this.#client.makeBidiStreamRequest(
      this.#method.path,
      this.#method.requestSerialize,
      this.#method.responseDeserialize,
      new Metadata(),
      {
        interceptors: [
          (options, nextCall) => {
            const call = nextCall(options);
            this.#call = call;
            return new InterceptingCall(call, {
              start: (metadata) => call.start(metadata, listener),
            });
          },
        ],
      },
    );
  }

  #report({ code, details }: StatusObject, listener: WireListener): void {
    if (code === status.OK) listener.onPeerEnd();
    else if (code === status.RESOURCE_EXHAUSTED && details.startsWith("Received message larger")) {
      listener.onFault(new RuntimeError("FRAME_TOO_LARGE", `${this.peer}: ${details}`));
    } else {
      listener.onFault(new RuntimeError("LINK_BROKEN", `${this.peer}: ${details}`));
    }
    listener.onClosed();
  }

  read(): void {
    this.#call?.startRead();
  }

  write(frame: Buffer, written: () => void): void {
    this.#call?.sendMessageWithContext({ callback: written }, frame);
  }

  end(): void {
    this.#call?.halfClose();
  }

  refuse(reason: string): void {
    this.#call?.cancelWithStatus(status.CANCELLED, reason);
  }

  destroy(): void {
    this.#call?.cancelWithStatus(status.CANCELLED, "destroyed");
    this.#client.close();
  }
}
