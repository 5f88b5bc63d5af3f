// etcd's shorthand for changes of the membership: `v1 l2 r3 u4`.
import type { Change } from "@compendium/raft";

const types: Record<string, Change["type"]> = {
  v: "add-voter",
  l: "add-learner",
  r: "remove",
  u: "update",
};

export function parseChanges(text: string): Change[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  return words.map((word) => {
    const type = types[word[0] ?? ""];
    const id = Number(word.slice(1));
    if (type === undefined || !Number.isInteger(id)) throw new Error(`unknown input: ${word}`);
    return { type, id };
  });
}
