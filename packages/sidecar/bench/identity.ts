// The certificate that every proxy of the bench shows.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Authority } from "../../runtime/test/grpc/certificates.ts";
import type { CertificateFiles } from "./proxies/setting.ts";

/** Where it is, and who vouches for it. */
export interface Identity extends CertificateFiles {
  readonly ca: string;
}

/** Makes one for localhost, in this folder. */
export function makeIdentity(folder: string): Identity {
  const { certificate, key, ca } = new Authority("bench").member("proxy");
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return {
    certificateFile: write("proxy.crt", certificate),
    keyFile: write("proxy.key", key),
    pemFile: write("proxy.pem", `${certificate}\n${key}\n`),
    ca,
  };
}
