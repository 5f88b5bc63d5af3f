// Planted bugs, one for each trap that checkers are known to fall into. Each is a place in a source
// file and what stands there instead; a place that is no longer found fails loudly.
import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file, search, replacement };
};

export const mutants: readonly Mutant[] = [
  mutant(
    "schedule.ts",
    "a return and a call at one moment count as one after the other",
    "operation(calls).call <= returnOf(op)",
    "operation(calls).call < returnOf(op)",
  ),
  mutant(
    "schedule.ts",
    "a bit is lent again while its operation is open",
    "free[of].push(bit[op] as number)",
    "free[of].unshift(0)",
  ),
  mutant(
    "schedule.ts",
    "lost operations with different inputs are taken for twins",
    "const key = keyOf(inputOf(op));",
    'const key: string | undefined = "";',
  ),
  mutant(
    "schedule.ts",
    "a lost read counts as a lost write",
    "return !model.isRead?.(input, UNKNOWN);",
    "return model.isRead?.(input, UNKNOWN) ?? true;",
  ),
  mutant(
    "configurations.ts",
    "the cache forgets the state",
    "if (data[base] === at && data[base + fields.state] === state && this.#equals(base, words)) {",
    "if (data[base] === at && this.#equals(base, words)) {",
  ),
  mutant(
    "configurations.ts",
    "the cache forgets which operations are linearized",
    "if (this.#data[base + fields.words + i] !== words[i]) return false;",
    "",
  ),
  mutant(
    "configurations.ts",
    "more lost operations used up dominate fewer",
    "if (((data[start + i] as number) & ~(words[i] as number)) !== 0) return false;",
    "if (((words[i] as number) & ~(data[start + i] as number)) !== 0) return false;",
  ),
  mutant(
    "configurations.ts",
    "fewer reads done dominate more",
    "if (((words[i] as number) & ~(data[start + i] as number)) !== 0) return false;",
    "if (((data[start + i] as number) & ~(words[i] as number)) !== 0) return false;",
  ),
  mutant(
    "search.ts",
    "what is passed over counts as done",
    "return this.#numberOf(this.#state, this.#states.at(this.#state));",
    "return this.#step(choice - this.#skip);",
  ),
  mutant(
    "configurations.ts",
    "the chains are not rebuilt when the table grows",
    "for (let entry = 0; entry < this.#count; entry++) this.#link(entry);",
    "",
  ),
  mutant(
    "search.ts",
    "an operation of unknown outcome must take effect before the next return",
    "if (state < 0) return;",
    "if (state < 0 || this.#schedule.kind[choice] === kinds.unknown) return;",
  ),
  mutant(
    "search.ts",
    "backtracking does not undo the bits",
    "this.#visited.readWords(this.#entry, this.#bits);",
    "",
  ),
  mutant(
    "search.ts",
    "backtracking skips a neighbour",
    "this.#choice = this.#open.after(choice);",
    "this.#choice = this.#open.after(this.#open.after(choice));",
  ),
  mutant(
    "search.ts",
    "a read is taken whatever it saw",
    "if (this.#model.step(state, input, output as Output) !== undefined) {",
    "{",
  ),
  mutant(
    "search.ts",
    "a lost operation is idle although a read has seen it",
    "return gained ? -1 : this.#visited.get(parent, fields.state);",
    "return this.#visited.get(parent, fields.state);",
  ),
  mutant(
    "search.ts",
    "a lost operation without a twin used up is passed over",
    "if (before < 0 || this.#has(kinds.unknown, before))",
    "if (before >= 0 && this.#has(kinds.unknown, before))",
  ),
  mutant(
    "check.ts",
    "a verdict before every part has one",
    'verdict: has("illegal") ? "illegal" : has("unknown") ? "unknown" : "ok",',
    'verdict: has("ok") ? "ok" : has("illegal") ? "illegal" : "unknown",',
  ),
  mutant(
    "check.ts",
    "a part that was given up counts as ok",
    'const verdict = standing === "memory" ? "unknown" : standing;',
    'const verdict = standing === "memory" ? "ok" : standing;',
  ),
  mutant(
    "check.ts",
    "a hard part starves an easy one",
    "for (let turn = FIRST_STEPS;",
    "for (let turn = Number.MAX_SAFE_INTEGER;",
  ),
  mutant(
    "partition.ts",
    "a history is taken apart although one operation touches all",
    "if (key === undefined) return [{ key: undefined, places: [...history.keys()] }];",
    "if (key === undefined) continue;",
  ),
  mutant(
    "counterexample.ts",
    "what is left out is forgotten instead of optional",
    "const isOptional = (place: number): boolean => !keep.has(place);\n    const schedule = scheduleOf(this.#history, this.#part.places, this.#model, isOptional);",
    "const schedule = scheduleOf(this.#history, [...keep], this.#model);",
  ),
  mutant(
    "models/kv.ts",
    "values that somebody read count as unobserved",
    "if ((texts[middle] as string) < text) low = middle + 1;",
    "if ((texts[middle] as string) <= text) low = middle + 1;",
  ),
  mutant(
    "models/queue.ts",
    "a queue is blocked by what is still to leave",
    "departure.until < (now as number)",
    "departure.until <= (now as number)",
  ),
  mutant(
    "models/queue.ts",
    "elements that may leave in either order count as overtaking",
    "ahead > last.until",
    "ahead >= last.until",
  ),
  mutant(
    "models/queue.ts",
    "an element that a lost call may have taken blocks the queue",
    "let unseen = lost;",
    "let unseen = 0;",
  ),
  mutant(
    "models/set.ts",
    "an element that a read lacks counts as gone although the read came earlier",
    "(lastLacking.get(element) ?? now) > now",
    "(lastLacking.get(element) ?? -1) >= 0",
  ),
  mutant(
    "models/kv.ts",
    "a text may be no longer than one that was read before",
    "(gets[middle] as Foreseen<KvInput, KvOutput>).call <= now",
    "(gets[middle] as Foreseen<KvInput, KvOutput>).call < 0",
  ),
  mutant(
    "models/last-visits.ts",
    "a value that comes twice counts as gone when it is left once",
    "makers.get(value) === 1 &&",
    "",
  ),
  mutant(
    "models/last-visits.ts",
    "the value before the first write comes as often as it is written",
    "new Map<unknown, number>([[initial, 1]])",
    "new Map<unknown, number>()",
  ),
  mutant(
    "models/last-visits.ts",
    "an operation that may not have happened forbids what it would have seen gone",
    "if (!required || !sees) continue;",
    "if (!sees) continue;",
  ),
  mutant(
    "models/set.ts",
    "a read of a set may miss an element",
    "values.size !== sizeOf(state)",
    "values.size > sizeOf(state)",
  ),
];
