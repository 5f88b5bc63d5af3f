// Words that belong in no file of the repository, whatever its kind: paths of one machine, hosts of
// a package registry (a mirror or an offline store must do), unfinished business, and how the text
// came about instead of what it says.
// This file and the house's own tests spell the words out; they are the only ones that may.
import { isCode } from "../source.ts";
import type { Violation } from "../violation.ts";
import type { Tree } from "../workspace.ts";

interface Ban {
  readonly rule: string;
  readonly pattern: RegExp;
  readonly advice: string;
  /** Files where the word has a meaning of its own. */
  readonly except?: (file: string) => boolean;
}

// Inside an image the paths are the image's own.
const isImage = (file: string): boolean => /(^|\/)(Dockerfile|[\w.-]+\.Dockerfile)$/.test(file);

const bans: readonly Ban[] = [
  {
    rule: "machine-path",
    pattern: /(?<![\w.:)}\]-])\/(?:work\/|root\/|home\/\w+|Users\/\w+)/,
    advice: "is a path of one machine; make it relative to the repository",
    except: isImage,
  },
  {
    rule: "registry-host",
    pattern:
      /\b(?:registry\.npmjs\.org|registry\.yarnpkg\.com|npm\.pkg\.github\.com|npmmirror\.com)/,
    advice: "names a registry; leave that to the user's own configuration",
  },
  {
    rule: "todo",
    pattern: /\b(?:TODO|FIXME|XXX)\b/,
    advice: "is unfinished business; do it, or open an issue and say what is left out",
    except: isCode, // Judged in comments only, by tidy.
  },
  {
    rule: "provenance",
    pattern:
      /\b(?:AI[- ](?:generated|assisted|written)|generated (?:by|with) (?:an? )?AI|as an AI|LLMs?|large language models?|Claude(?! Shannon)|Anthropic|OpenAI|ChatGPT|GPT(?:-\d\w*)?|Copilot|Codex|Co-authored-by)\b/i,
    advice: "tells how the text was made; say what it means instead",
  },
];

const exempt = (file: string): boolean =>
  file === "pnpm-lock.yaml" ||
  file === "house/src/guards/words.ts" ||
  file.startsWith("house/test/");

/** Finds banned words in every text file. */
export function guardWords(tree: Tree): Violation[] {
  const violations: Violation[] = [];
  for (const [file, text] of tree) {
    if (exempt(file)) continue;
    for (const [index, line] of text.split("\n").entries()) {
      for (const { rule, pattern, advice, except } of bans) {
        const word = pattern.exec(line)?.[0];
        if (word === undefined || except?.(file)) continue;
        violations.push({
          file,
          line: index + 1,
          rule: `words/${rule}`,
          message: `"${word}" ${advice}`,
        });
      }
    }
  }
  return violations;
}
