// What goes to the other members and comes from them, over all links together. A leader's view of
// each follower is in followers.ts.
import type { Family } from "@compendium/metrics";
import { counter, gauge } from "./families.ts";
import type { MeasurableNode } from "./register.ts";

/** The families of the network. */
export function networkFamilies(node: MeasurableNode): Family[] {
  const stats = () => node.stats().network;
  return [
    counter("raft_network_messages_sent_total", {
      help: "Messages that were handed to a link.",
      read: () => stats().messagesSent,
    }),
    counter("raft_network_messages_received_total", {
      help: "Messages that were received.",
      read: () => stats().messagesReceived,
    }),
    counter("raft_network_messages_dropped_total", {
      help: "Messages that were dropped, for want of a link or of room.",
      read: () => stats().messagesDropped,
    }),
    counter("raft_network_sent_bytes_total", {
      help: "Bytes that were handed to links.",
      read: () => stats().bytesSent,
    }),
    counter("raft_network_received_bytes_total", {
      help: "Bytes that were received.",
      read: () => stats().bytesReceived,
    }),
    counter("raft_network_links_opened_total", {
      help: "Links that were opened, by either side.",
      read: () => stats().linksOpened,
    }),
    gauge("raft_network_links", {
      help: "Members to which there is a link now.",
      read: () => stats().linksOpen,
    }),
  ];
}
