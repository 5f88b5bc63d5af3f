// The subset of Envoy's API as the readers have it: every message that can be reached from the
// bootstrap, and what becomes of each of its fields.
import type { Message } from "../../src/config/schema/message.ts";
import type { Reader } from "../../src/config/schema/reader.ts";
import { bootstrap } from "../../src/config/xds/bootstrap.ts";

/** A message, and the first one that contains it. */
export interface FoundMessage {
  readonly message: Message<unknown>;
  readonly within: string;
}

const isMessage = (reader: Reader<unknown>): reader is Message<unknown> => "shape" in reader;

/** All of them, from the outside in, each shape once. */
export function allMessages(): readonly FoundMessage[] {
  const found: FoundMessage[] = [];
  const seen = new Set<unknown>();
  const open: [Reader<unknown>, string][] = [[bootstrap, ""]];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const [reader, within] = next;
    const key = isMessage(reader) ? reader.shape : reader;
    if (seen.has(key)) continue;
    seen.add(key);
    if (isMessage(reader)) found.push({ message: reader, within });
    const name = isMessage(reader) ? reader.type : within;
    open.push(...(reader.parts?.() ?? []).map((part): [Reader<unknown>, string] => [part, name]));
  }
  return found;
}

const short = (type: string): string => type.slice(type.lastIndexOf(".") + 1);

/** The table, in Markdown. */
export function subsetTable(): string {
  const messages = allMessages();
  const times = new Map<string, number>();
  for (const { message } of messages) times.set(message.type, (times.get(message.type) ?? 0) + 1);
  const sections = messages.map(({ message, within }) => {
    const where = (times.get(message.type) ?? 0) > 1 ? `, in ${short(within)}` : "";
    const title = `### ${message.type}${where}`;
    const fields = Object.entries(message.shape);
    if (fields.length === 0) return `${title}\n\nNo fields are taken.`;
    const rows = fields.map(([name, field]) => `| \`${name}\` | ${cells(field)} |`);
    return [title, "", "| field | | |", "| --- | --- | --- |", ...rows].join("\n");
  });
  return `${sections.join("\n\n")}\n`;
}

function cells(field: Message<unknown>["shape"][string]): string {
  switch (field.use) {
    case "taken":
      return `taken | ${escaped(typeOf(field.reader))}${otherwise(field.otherwise)}`;
    case "ignored":
      return `ignored | ${escaped(field.why)}`;
    case "refused":
      return `refused | ${escaped(field.next)}`;
  }
}

const typeOf = (reader: Reader<unknown>): string => {
  return /^envoy\.[\w.]+(?:\[\])?$/.test(reader.type) ? short(reader.type) : reader.type;
};

const otherwise = (text: string): string => {
  if (text === "required") return "; required";
  return text === "" ? "" : `; default ${escaped(text.trim())}`;
};

const escaped = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
