export {
  decodeMessage,
  decodeMessages,
  ENTRIES_MAX,
  encodeMessage,
  encodeMessages,
  MESSAGES_MAX,
} from "./codec.ts";
export type { PeerLinksOptions } from "./options.ts";
export { PeerLinks } from "./peer-links.ts";
export type {
  PeerIdentity,
  PeerNetwork,
  PeerNetworkStats,
  PeerReceiver,
} from "./peer-network.ts";
