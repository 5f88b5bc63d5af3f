// What a member is told when it is started.
import { parseArgs } from "node:util";

/** A command line that cannot be meant. */
export class UsageError extends Error {}

/** A member, as it was asked for. */
export interface Settings {
  readonly id: number;
  /** The first members and their addresses; empty for one that joins. */
  readonly members: ReadonlyMap<number, string>;
  /** Where the other members reach this one. */
  readonly listen: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly folder: string;
  readonly grpc: boolean;
  /** The files of `--tls-ca`, `--tls-cert` and `--tls-key`. */
  readonly tls: { readonly ca: string; readonly certificate: string; readonly key: string } | null;
}

export const USAGE = `usage: main.ts --id ID --members ID=HOST:PORT,… --http HOST:PORT --data FOLDER

  --members LIST     the first members of the group, the same list for all of them
  --listen ADDRESS   instead of --members, for one that joins a group that exists
  --grpc             gRPC between the members instead of plain TCP
  --tls-ca FILE --tls-cert FILE --tls-key FILE   with --grpc: mutual TLS, as PEM`;

/** Throws a {@link UsageError} that names what is wrong. */
export function parseCommandLine(args: string[]): Settings {
  const values = parse(args);
  const { data: folder, listen: joinAt, grpc = false } = values;
  const id = Number(values.id);
  if (!(Number.isSafeInteger(id) && id >= 1)) throw new UsageError("--id must be a number from 1");
  const members = parseMembers(values.members);
  const listen = members.get(id) ?? joinAt;
  if (listen === undefined)
    throw new UsageError(`--members names no ${id}, and --listen is missing`);
  const [, host = "", port = ""] = /^\[?(.+?)\]?:(\d{1,5})$/.exec(values.http ?? "") ?? [];
  if (host === "") throw new UsageError("--http must be HOST:PORT");
  if (folder === undefined)
    throw new UsageError("--data is missing: a folder of this member's own");
  const files = [values["tls-ca"], values["tls-cert"], values["tls-key"]];
  const given = files.filter((file) => file !== undefined);
  if (given.length % 3 !== 0)
    throw new UsageError("--tls-ca, --tls-cert and --tls-key go together");
  if (given.length > 0 && !grpc) throw new UsageError("--tls-… goes with --grpc");
  const [ca, certificate, key] = given as [string, string, string];
  const tls = given.length === 0 ? null : { ca, certificate, key };
  return { id, members, listen, http: { host, port: Number(port) }, folder, grpc, tls };
}

function parse(args: string[]) {
  const text = { type: "string" } as const;
  const tls = { "tls-ca": text, "tls-cert": text, "tls-key": text };
  const options = { id: text, members: text, listen: text, http: text, data: text, ...tls };
  try {
    return parseArgs({ args, options: { ...options, grpc: { type: "boolean" } } }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function parseMembers(list = ""): Map<number, string> {
  const pairs = list.split(",").filter((pair) => pair !== "");
  return new Map(
    pairs.map((pair) => {
      const [, id, address] = /^([1-9]\d*)=(.+:\d+)$/.exec(pair) ?? [];
      if (id === undefined) throw new UsageError(`--members: "${pair}" is not ID=HOST:PORT`);
      return [Number(id), address as string];
    }),
  );
}
