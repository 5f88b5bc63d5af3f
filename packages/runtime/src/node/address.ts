// "host:port", with IPv6 addresses in brackets as in a URL: RFC 3986 §3.2.2.

/** Where a socket leads. */
export interface HostAndPort {
  /** A name, or an address without brackets. */
  readonly host: string;
  /** 0 to 65535. */
  readonly port: number;
}

/**
 * Reads an address.
 *
 * @throws RangeError when it is none, naming `name`
 */
export function parseAddress(name: string, address: string): HostAndPort {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(String(address));
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port <= 65_535)) {
    throw new RangeError(`${name} must be "host:port", port at most 65535, got "${address}"`);
  }
  return { host, port };
}

/** The address of a socket's end, in the same form. */
export function formatAddress(host: string | undefined, port: number | undefined): string {
  if (host === undefined || port === undefined) return "unknown";
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
