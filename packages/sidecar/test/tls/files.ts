// Certificates in files, as a proxy finds them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Authority, type MemberCertificates } from "../../../runtime/test/grpc/certificates.ts";
import type {
  CertificateFiles,
  DownstreamTlsConfig,
  UpstreamTlsConfig,
} from "../../src/config/listener-config.ts";

export { Authority, type MemberCertificates };

/** A folder of its own, that goes with the test. */
export class Files implements Disposable {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), "sidecar-tls-"));

  write(name: string, content: string): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }

  /** `name.crt` and `name.key`. */
  pair(name: string, { certificate, key }: MemberCertificates): CertificateFiles {
    return {
      certificateFile: this.write(`${name}.crt`, certificate),
      keyFile: this.write(`${name}.key`, key),
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

export function downstreamTls(
  certificate: CertificateFiles,
  more: Partial<DownstreamTlsConfig> = {},
): DownstreamTlsConfig {
  return {
    certificates: [certificate],
    applicationProtocols: ["h2", "http/1.1"],
    minVersion: "TLSv1.2",
    clientCaFile: undefined,
    requireClientCertificate: false,
    allowedNames: [],
    ...more,
  };
}

export function upstreamTls(more: Partial<UpstreamTlsConfig> = {}): UpstreamTlsConfig {
  return {
    certificate: undefined,
    caFile: undefined,
    serverName: undefined,
    applicationProtocols: [],
    minVersion: "TLSv1.2",
    allowedNames: [],
    ...more,
  };
}
