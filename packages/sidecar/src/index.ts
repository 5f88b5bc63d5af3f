export { type CliSurroundings, runCli } from "./cli.ts";
export {
  type ClientCodec,
  type ClientConnection,
  type ClientStream,
  type Codec,
  type CodecLimits,
  defaultCodecLimits,
  type PeerInfo,
  type Protocol,
  type RequestHead,
  type ResetReason,
  type ResponseHead,
  type ResponseReceiver,
  type ServerCodec,
  type ServerConnection,
  type ServerStream,
  type StreamReceiver,
  type StreamSender,
} from "./codec/codec.ts";
export { Fields } from "./codec/fields.ts";
export { NodeCodec } from "./codec/node/node-codec.ts";
export { compile, compileText } from "./config/compile.ts";
export { type Note, type Problem, SidecarConfigError } from "./config/config-error.ts";
export type { Snapshot } from "./config/snapshot.ts";
export { DataPlane, type DataPlaneOptions } from "./listener/data-plane.ts";
export { Logger, type LogLevel } from "./observe/logger.ts";
export type { RequestObserver } from "./router/observer.ts";
export { Sidecar, type SidecarOptions } from "./sidecar.ts";
