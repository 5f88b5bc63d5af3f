// The little of Markdown that guards read: headings, fenced blocks, tables and links, each with its
// line. What stands inside a fence is code, and neither a heading nor a link.

/** A heading: `## The idea` has level 2. */
export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly line: number;
}

/** A fenced block. */
export interface Block {
  /** The first word after the fence: `ts`. */
  readonly language: string;
  readonly text: string;
  /** The line of the first line inside. */
  readonly line: number;
}

/** A link or an image to a place in the repository, without its `#fragment`. */
export interface Link {
  readonly target: string;
  readonly line: number;
}

/** What a page holds, in order. */
export interface Page {
  readonly headings: readonly Heading[];
  readonly blocks: readonly Block[];
  readonly links: readonly Link[];
  /** The lines outside fences, by line number from 1; empty inside them. */
  readonly prose: readonly string[];
}

/** Reads a page. */
export function readPage(text: string): Page {
  const headings: Heading[] = [];
  const blocks: Block[] = [];
  const links: Link[] = [];
  const prose: string[] = [""];
  let open: { fence: string; language: string; line: number; lines: string[] } | undefined;
  for (const [index, row] of text.split("\n").entries()) {
    const line = index + 1;
    prose[line] = "";
    const fence = /^ {0,3}(`{3,}|~{3,})\s*(\S*)/.exec(row);
    if (open !== undefined) {
      if (fence?.[1]?.startsWith(open.fence) && fence[2] === "") {
        blocks.push({ language: open.language, text: open.lines.join("\n"), line: open.line });
        open = undefined;
      } else open.lines.push(row);
      continue;
    }
    if (fence !== null) {
      open = { fence: fence[1] ?? "", language: fence[2] ?? "", line: line + 1, lines: [] };
      continue;
    }
    prose[line] = row;
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(row);
    if (heading) headings.push({ level: heading[1]?.length ?? 0, text: heading[2] ?? "", line });
    for (const [, target = ""] of row.replace(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)[^)]*\)/g)) {
      const place = target.split("#")[0] ?? "";
      if (place !== "" && !/^[a-z][a-z+.-]*:/i.test(place)) links.push({ target: place, line });
    }
  }
  return { headings, blocks, links, prose };
}

/** A row of a table as its cells, without the code marks around them. */
export interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

/** The rows of the first table whose head is `head`, in any case; undefined where there is none. */
export function readTable({ prose }: Page, head: readonly string[]): Row[] | undefined {
  const wanted = head.join("|").toLowerCase();
  const at = prose.findIndex((row) => cellsOf(row).join("|").toLowerCase() === wanted);
  if (at < 0) return undefined;
  const rows: Row[] = [];
  for (let line = at + 2; /^\s*\|/.test(prose[line] ?? ""); line++) {
    rows.push({ cells: cellsOf(prose[line] ?? ""), line });
  }
  return rows;
}

const cellsOf = (row: string): string[] =>
  row
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((cell) => cell.trim());
