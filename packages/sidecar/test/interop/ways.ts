// The ways of a call: through one sidecar or two, in the clear or with mutual TLS at every step,
// with nothing configured beside routes or with retries, an access log and filters.
import path from "node:path";
import { compile } from "../../src/config/compile.ts";
import { Sidecar } from "../../src/sidecar.ts";
import { documentOf, type TlsFiles, usualFilters } from "../soak/document.ts";
import { Authority, Files, type MemberCertificates } from "../tls/files.ts";

export interface WayOptions {
  readonly hops: 1 | 2;
  /** Towards the client, towards the server. Between two sidecars there is always TLS. */
  readonly isTls: boolean;
  /** Retries, an access log, authorization, a rate limit. */
  readonly isLaden: boolean;
}

/** By name. */
export const ways: readonly (readonly [string, WayOptions])[] = [
  ["h2c, one sidecar", { hops: 1, isTls: false, isLaden: false }],
  ["mutual TLS, one sidecar", { hops: 1, isTls: true, isLaden: false }],
  ["h2c, two sidecars with mutual TLS between", { hops: 2, isTls: false, isLaden: false }],
  ["mutual TLS, two sidecars, laden", { hops: 2, isTls: true, isLaden: true }],
  ["h2c, one sidecar, laden", { hops: 1, isTls: false, isLaden: true }],
];

export interface Way extends AsyncDisposable {
  /** Where a client calls. */
  readonly port: number;
  readonly sidecars: readonly Sidecar[];
  readonly logFile: string;
}

/** Certificates that everybody on the way knows. */
export class Group implements Disposable {
  readonly files: Files = new Files();
  readonly authority: Authority = new Authority("group");
  readonly #caFile: string = this.files.write("ca.crt", this.authority.ca);

  member(name: string): MemberCertificates {
    return this.authority.member(name);
  }

  tlsFiles(name: string): TlsFiles {
    return { ...this.files.pair(name, this.member(name)), caFile: this.#caFile };
  }

  [Symbol.dispose](): void {
    this.files[Symbol.dispose]();
  }
}

/** Opens the sidecars of a way, from the server to the client. */
export async function openWay(
  { hops, isTls, isLaden }: WayOptions,
  group: Group,
  serverPort: number,
): Promise<Way> {
  const logFile = path.join(group.files.folder, "access.log");
  const sidecars: Sidecar[] = [];
  let port = serverPort;
  for (let hop = hops; hop >= 1; hop--) {
    const isFirst = hop === 1;
    const isLast = hop === hops;
    const tls = group.tlsFiles(`sidecar-${hop}`);
    const listener = {
      name: "in",
      routes: [["/", "next"]] as const,
      ...((isTls || !isFirst) && { tls }),
      ...(isLaden && { filters: usualFilters, retries: 2, accessLogFile: logFile }),
    };
    const cluster = {
      name: "next",
      ports: [port],
      protocol: "http2" as const,
      ...((isTls || !isLast) && { tls }),
    };
    const sidecar = new Sidecar();
    await sidecar.apply(compile(documentOf({ listeners: [listener], clusters: [cluster] })));
    sidecars.push(sidecar);
    port = sidecar.plane.portOf("in") as number;
  }
  return {
    port,
    sidecars,
    logFile,
    [Symbol.asyncDispose]: async () => {
      for (const sidecar of sidecars.reverse()) await sidecar[Symbol.asyncDispose]();
    },
  };
}
