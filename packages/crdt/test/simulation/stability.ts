// What replicas of a schedule know to be stable: what every other one had on its disk when it last
// told this one all that it knew. What is only in memory goes with a crash, so it does not count.

/** For each agent, how many of its operations, or changes, are known. */
export type Version = ReadonlyMap<string, number>;

/** As much of a replica as the rule needs. */
interface Member {
  /** Of the others, by their place: what they had saved when this one last heard all from them. */
  readonly heard: ReadonlyMap<number, Version>;
}

/** What is stable at a member that knows a version. */
export function stableAt<M extends Member>(
  members: readonly M[],
  member: M,
  version: Version,
): Map<string, number> {
  const stable = new Map(version);
  for (const [at, other] of members.entries()) {
    if (other === member) continue;
    for (const [agent, count] of stable) {
      stable.set(agent, Math.min(count, member.heard.get(at)?.get(agent) ?? 0));
    }
  }
  return stable;
}
