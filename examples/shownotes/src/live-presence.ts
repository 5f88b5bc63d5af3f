// The regions' replicas as child processes, each with a folder of its own. Between any two of them
// stand proxies that can be cut, one for each direction in which links are opened; so a partition
// strikes the links alone, and every region still answers whoever asks it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FaultProxy } from "@compendium/chaos";
import { Child } from "./child.ts";
import { freePorts } from "./free-ports.ts";

/** Regions that run. */
export interface LiveRegions {
  /** Of the regions, in the order of their names. */
  readonly urls: readonly URL[];
  /** What a run writes to, if they have seen others. */
  readonly name?: string;
  /** Cuts every region off from every other; resolves once that is so. */
  part(): Promise<void>;
  /** Has them reach each other again; resolves once some do. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a replica for each name; `onDeath` is told, in a line, when one dies unasked. */
export async function startRegions(
  names: readonly string[],
  onDeath: (line: string) => void,
): Promise<LiveRegions> {
  const ports = await freePorts(names.length);
  const proxies: FaultProxy[] = [];
  const children: Child[] = [];
  const folder = mkdtempSync(join(tmpdir(), "shownotes-presence-"));
  const stop = async () => {
    await Promise.all(children.map((child) => child.stop()));
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    rmSync(folder, { recursive: true, force: true });
  };
  const start = async (region: string) => {
    const addresses = await Promise.all(
      names.map(async (peer, at) => {
        const upstream = { port: ports[at] as number };
        if (peer === region) return `${peer}=127.0.0.1:${upstream.port}`;
        const proxy = await FaultProxy.listen({ upstream });
        proxies.push(proxy);
        return `${peer}=127.0.0.1:${proxy.address.port}`;
      }),
    );
    const own = ["--region", region, "--folder", join(folder, region), "--column"];
    const child = await Child.start(["presence", "--peers", addresses.join(), ...own], onDeath);
    children.push(child);
    return child.url;
  };
  const starting = await Promise.allSettled(names.map(start));
  const failed = starting.find((it) => it.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const set = async (blackhole: boolean) => {
    const faults = blackhole ? { both: { blackhole } } : {};
    await Promise.all(proxies.map((proxy) => proxy.set(faults)));
  };
  return {
    urls: starting.map((it) => (it as PromiseFulfilledResult<URL>).value),
    part: () => set(true),
    heal: () => set(false),
    stop,
  };
}
