export type { LinkLimits } from "../link/queued-link.ts";
export {
  type SocketLike,
  type WsTls,
  WsTransport,
  type WsTransportOptions,
} from "./ws-transport.ts";
