// A call of Link as a link needs it, alike on both ends. grpc-js wraps a call in an object
// stream, which holds up to 16 frames in either direction: 64 MiB of the largest ones, behind the
// back of every limit here. So both ends take the call itself, through an interceptor that passes
// nothing on: one frame is asked for at a time, and one is written at a time.
import type { MethodDefinition } from "@grpc/grpc-js";
import type { RuntimeError } from "../error.ts";

/** One end of a call. Nothing is heard before the first `read`. */
export interface Wire {
  /** The other end's address. */
  readonly peer: string;

  /** Who hears what becomes of the call. */
  listener: WireListener | undefined;

  /** Asks for one frame. */
  read(): void;

  /** Writes a frame; the next may follow when `written` has been called. */
  write(frame: Buffer, written: () => void): void;

  /** Says that nothing follows. */
  end(): void;

  /** Ends the call, and tells the peer why. */
  refuse(reason: string): void;

  /** Ends the call, and on the accepting end the connection, at once. */
  destroy(): void;
}

/** What becomes of a call. */
export interface WireListener {
  /** The frame that was asked for. */
  onFrame(frame: Uint8Array): void;

  /** The peer has nothing more to say. */
  onPeerEnd(): void;

  /** The call is broken; `onClosed` follows. */
  onFault(fault: RuntimeError): void;

  /** The last word: the call is over, and on the accepting end its connection closed. */
  onClosed(): void;
}

// Bytes as they are: frames are encoded and decoded where the limits are known.
const asIs = (bytes: Buffer): Buffer => bytes;

/** A method whose messages are bytes. */
export type LinkMethod = MethodDefinition<Buffer, Buffer>;

/** The method Link of a service, as links.proto declares it. */
export function linkMethod(service: string): LinkMethod {
  return {
    path: `/${service}/Link`,
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}
