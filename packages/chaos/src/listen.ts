// Binding a port, for the proxy and for its control API: what can go wrong is the same, and so is
// the advice.

import type { AddressInfo, Server } from "node:net";
import { ChaosError } from "./errors.ts";

/** A host and port. `host` is 127.0.0.1 unless told otherwise: faults are not for neighbours. */
export interface Address {
  /** A name or an IP address. Default 127.0.0.1. */
  host?: string;
  /** In [0, 65535]; 0 lets the system choose, where listening. */
  port: number;
}

/** `host:port`, IPv6 in brackets. */
export function formatAddress({ host = "127.0.0.1", port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Fills in the host and refuses a port out of range with a RangeError that names `option`. */
export function checkAddress(option: string, address: Address, portMin: 0 | 1): Required<Address> {
  const { host = "127.0.0.1", port } = address;
  if (!(Number.isInteger(port) && port >= portMin && port <= 65_535)) {
    throw new RangeError(`${option}.port must be an integer in [${portMin}, 65535], got ${port}`);
  }
  if (typeof host !== "string" || host === "") {
    throw new TypeError(`${option}.host must be a name or an address, got ${JSON.stringify(host)}`);
  }
  return { host, port };
}

/**
 * Listens, and says where; an abort before that rejects with the signal's reason.
 *
 * @throws ChaosError `LISTEN_FAILED`, with the next step in its message
 */
export function listenOn(
  server: Server,
  address: Required<Address>,
  signal?: AbortSignal,
): Promise<Required<Address>> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const settle = (): void => {
      server.off("listening", onListening).off("error", onError);
      signal?.removeEventListener("abort", onAbort);
    };
    const onListening = (): void => {
      settle();
      const { address: host, port } = server.address() as AddressInfo;
      resolve({ host, port });
    };
    const onError = (cause: NodeJS.ErrnoException): void => {
      settle();
      reject(new ChaosError("LISTEN_FAILED", advice(address, cause), { cause }));
    };
    const onAbort = (): void => {
      settle();
      // The name may still be being looked up, and close() does not call that off: without this
      // the port would be opened after all, with nobody to close it.
      server.once("listening", () => server.close()).once("error", () => {});
      reject(signal?.reason);
    };
    server.once("listening", onListening).once("error", onError);
    signal?.addEventListener("abort", onAbort, { once: true });
    server.listen({ host: address.host, port: address.port });
  });
}

function advice(address: Address, cause: NodeJS.ErrnoException): string {
  const where = `cannot listen on ${formatAddress(address)}`;
  switch (cause.code) {
    case "EADDRINUSE":
      return `${where}: the port is taken; stop what holds it, or choose another (0 for any)`;
    case "EACCES":
      return `${where}: not permitted; choose a port of 1024 or above`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${where}: this machine has no such address; 127.0.0.1 always works`;
    default:
      return `${where}: ${cause.code ?? cause.message}`;
  }
}
