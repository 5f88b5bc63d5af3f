// Text and list as schedules see them: both as strings of units.
import type { List as ListType } from "../../src/sequence/list.ts";
import type { Text as TextType } from "../../src/sequence/text.ts";
import type { Subject } from "./schedule.ts";

/** The classes under test, which may be those of a copy with a planted bug. */
export interface Sequences {
  readonly Text: typeof TextType;
  readonly List: typeof ListType;
}

/** A text, which has characters of one and of two units. */
export function textSubject({ Text }: Pick<Sequences, "Text">): Subject<TextType> {
  return {
    make: (agent) => new Text(agent),
    load: (agent, bytes) => Text.load(agent, bytes),
    insert: (text, position, units) => text.insert(position, units),
    read: (text) => text.toString(),
    at: (text, version) => text.at(version),
    alphabet: [..."abcdefghijklmnopqrstuvwxyzäß→"].concat("😀", "𝄞"),
  };
}

/** A list of strings of one unit each. */
export function listSubject({ List }: Pick<Sequences, "List">): Subject<ListType<string>> {
  return {
    make: (agent) => new List<string>(agent),
    load: (agent, bytes) => List.load<string>(agent, bytes),
    insert: (list, position, units) => list.insert(position, ...units),
    read: (list) => list.toArray().map(String).join(""),
    at: (list, version) => list.at(version),
    alphabet: [..."abcdefghijklmnopqrstuvwxyz"],
  };
}
