export type { LinkLimits } from "../link/queued-link.ts";
export { type SocketLike, WsTransport, type WsTransportOptions } from "./ws-transport.ts";
