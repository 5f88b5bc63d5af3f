// Messages between nodes. A link carries whole messages in order, each at most once, until it
// breaks; then nobody knows how many of the last ones arrived. That is all a consensus protocol
// may assume, and all that TCP can give once a connection may die: retrying and recognising
// duplicates are the protocol's business, since it must survive restarts of the peer as well.
//
// Two shapes from practice were weighed. etcd's rafthttp and TigerBeetle's message bus never let
// a sender wait: where a peer's queue is full, the message is dropped, because a later heartbeat
// or retransmission says more than a stale message in a long queue. libp2p gives every link a
// sink that makes the sender wait. Here `send` never waits and says what became of the message,
// and `drained` is for those who would rather wait: a snapshot in chunks, say. Receiving is
// iteration: whoever stops iterating stops the peer, after a bounded number of bytes.
//
// Left out: who the peer is. An address is not an identity; a protocol's first message, or TLS, is.

/** One node's access to the network. */
export interface Transport {
  /**
   * Takes links from others. `accept` must not throw; it owns the link from then on.
   *
   * @param address in the transport's own notation
   * @throws RuntimeError `ADDRESS_IN_USE`
   */
  listen(address: string, accept: (link: Link) => void): Promise<Listener>;

  /**
   * Opens a link.
   *
   * @throws RuntimeError `CONNECT_FAILED`; the signal's reason, in the turn in which it is aborted
   */
  connect(address: string, options?: ConnectOptions): Promise<Link>;
}

/** Options of {@link Transport.connect}. */
export interface ConnectOptions {
  /**
   * Ends the attempt. Without one, the operating system's patience decides, which may be minutes.
   */
  signal?: AbortSignal;
}

/** Where others can connect to. */
export interface Listener extends AsyncDisposable {
  /** The address that reaches it: what was asked for, with what was left open filled in. */
  readonly address: string;

  /** Takes no further links. Links that were taken live on. */
  close(): Promise<void>;
}

/**
 * What became of a message: `queued` to be sent, or not taken because the queue is `full` or the
 * link is `closed`. Queued does not mean that it will arrive.
 */
export type Sent = "queued" | "full" | "closed";

/**
 * A connection between two nodes that carries messages both ways. Iterating yields what the peer
 * sent, in order; it ends when either side closes, and throws a RuntimeError (`LINK_BROKEN`,
 * `FRAME_TOO_LARGE`) where the link broke. One iteration at a time.
 */
export interface Link extends AsyncIterable<Uint8Array>, AsyncDisposable {
  /** The other end's address, for people; not an identity. */
  readonly peer: string;

  /**
   * Hands over one message, which must not change afterwards, and never waits.
   *
   * @throws RangeError when the message is larger than the transport's limit
   */
  send(message: Uint8Array): Sent;

  /**
   * Resolves when the queue is at most half full, or the link is closed.
   *
   * @throws the signal's reason, in the turn in which it is aborted
   */
  drained(options?: { signal?: AbortSignal }): Promise<void>;

  /** Resolves when the link is gone: to the fault that ended it, or undefined. Never rejects. */
  readonly closed: Promise<Error | undefined>;

  /** Sends what is queued, for a bounded time, and closes. What has not been iterated is lost. */
  close(): Promise<void>;

  /** Closes at once; what is queued may be lost. */
  destroy(): void;
}
