export { checkAbilities } from "./abilities.ts";
export { type CliSurroundings, runCli } from "./cli.ts";
export type {
  ClientCodec,
  ClientConnection,
  ClientStream,
  Codec,
  CodecLimits,
  PeerInfo,
  Protocol,
  RequestHead,
  ResetReason,
  ResponseHead,
  ResponseReceiver,
  ServerCodec,
  ServerConnection,
  ServerStream,
  StreamReceiver,
  StreamSender,
} from "./codec/codec.ts";
export { Fields } from "./codec/fields.ts";
export { defaultCodecLimits, NodeCodec } from "./codec/node/node-codec.ts";
export { compile, compileText } from "./config/compile.ts";
export { type Note, type Problem, SidecarConfigError } from "./config/config-error.ts";
export type { Snapshot } from "./config/snapshot.ts";
export { DataPlane, type DataPlaneOptions } from "./listener/data-plane.ts";
