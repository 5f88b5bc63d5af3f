// The certificate that every proxy of the bench shows.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Authority } from "../../runtime/test/grpc/certificates.ts";

/** Where it is, and who vouches for it. */
export interface Identity {
  /** The certificate and its key in one file, as all of the proxies take it. */
  readonly pemFile: string;
  readonly ca: string;
}

/** Makes one for localhost, in this folder. */
export function makeIdentity(folder: string): Identity {
  const { certificate, key, ca } = new Authority("bench").member("proxy");
  const pemFile = join(folder, "proxy.pem");
  writeFileSync(pemFile, `${certificate}\n${key}\n`, { mode: 0o600 });
  return { pemFile, ca };
}
