// Versions as bytes: for each replica, in the order of their names, the bounds of its intervals as
// differences. Equal versions have equal bytes.
import { CausalContext } from "@compendium/crdt";
import { GONE } from "../replicas/state.ts";
import type { Reader, Writer } from "./bytes.ts";

const AGENT = /^[!-~]{1,64}$/;
const OWNER = new RegExp(`^${GONE}?[!-~]{1,64}$`);

/** The name of a replica. */
export function readAgent(from: Reader): string {
  const agent = from.string(64);
  if (!AGENT.test(agent)) throw from.corrupt("that is no replica's name");
  return agent;
}

/** Writes a version. */
export function writeVersion(to: Writer, version: CausalContext): void {
  const runs = new Map<string, number[]>();
  for (const [agent, begin, end] of version.intervals()) {
    const bounds = runs.get(agent);
    if (bounds === undefined) runs.set(agent, [begin, end]);
    else bounds.push(begin, end);
  }
  to.number(runs.size);
  for (const [agent, bounds] of runs) {
    to.string(agent).number(bounds.length / 2);
    for (let i = 0, before = 0; i < bounds.length; before = bounds[i] as number, i++) {
      to.number((bounds[i] as number) - before);
    }
  }
}

/** Reads a version. */
export function readVersion(from: Reader): CausalContext {
  const runs = new Map<string, number[]>();
  let last = "";
  for (let left = from.count(5); left > 0; left--) {
    const agent = from.string(67);
    if (!OWNER.test(agent)) throw from.corrupt("that is no replica's name");
    if (agent <= last) throw from.corrupt("replicas out of order");
    const bounds: number[] = [];
    let before = 0;
    for (let more = 2 * from.count(2); more > 0; more--) {
      before += from.number(1, Number.MAX_SAFE_INTEGER - before);
      bounds.push(before);
    }
    if (bounds.length === 0) throw from.corrupt("a replica without operations");
    runs.set(agent, bounds);
    last = agent;
  }
  return new CausalContext(runs);
}

/** How many operations of a replica a version has, if it has them from the first on. */
export function countOf(version: CausalContext, agent: string): number {
  return version.next(agent) - 1;
}

/** How many operations a version has, not counting what is gone. */
export function sizeOf(version: CausalContext): number {
  let size = 0;
  for (const [agent, from, to] of version.intervals()) {
    if (!agent.startsWith(GONE)) size += to - from;
  }
  return size;
}
