export { formatAddress, type HostAndPort, parseAddress } from "./address.ts";
export { FRAME_HEADER_BYTES, FrameDecoder, frameHeader } from "./frames.ts";
export type { InlineSyncStats } from "./inline-sync.ts";
export { NodeFiles, type NodeFilesOptions } from "./node-files.ts";
export {
  NodeTransport,
  type NodeTransportOptions,
  type NodeTransportStats,
} from "./node-transport.ts";
