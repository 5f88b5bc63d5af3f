// Planted bugs of writes on the calling thread. A place that is no longer found fails loudly.
import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file: `node/${file}`, search, replacement };
};
const inline = mutant.bind(undefined, "inline-sync.ts");
const files = mutant.bind(undefined, "node-files.ts");

export const mutants: readonly Mutant[] = [
  // What is acknowledged is durable.
  files(
    "it is written to the descriptor that does not sync",
    "this.#inline.write(through.fd, ",
    "this.#inline.write(this.#handle.fd, ",
  ),
  files(
    "what has failed is tried again by the thread pool",
    "this.#inline.write(through.fd, list, offset))",
    "this.#inline.write(through.fd, list, offset).catch(() => false))",
  ),
  files(
    "a write that has failed is forgotten: the handle goes on",
    "throw isPartOfSync && !isFull ? this.#latched(error) : error;",
    "throw error;",
  ),
  files("a full disk ends the handle", "isPartOfSync && !isFull", "isPartOfSync"),
  inline("a short write is taken for a whole one", "while (rest.length > 0) {", "{"),
  inline("a short write goes on where it began", "at += written;", ""),
  // It holds up nobody who could work meanwhile.
  inline("it begins before the turn's messages have left", "await endOfTurn();", ""),
  inline("two writes wait for each other", "this.#isBusy || ", ""),
  inline("large writes are inline, too", "bytesOf(chunks) > INLINE_BYTES_MAX || ", ""),
  // It ends where the disk is slow, and comes back where it is not.
  inline("slow writes cost nothing", "if (isSlow) this.#allowanceMs -= tookMs;", ""),
  inline("quick writes cost as slow ones do", "if (isSlow) this.#allow", "this.#allow"),
  inline("time does not give the allowance back", ") * SHARE;", ") * 0;"),
  inline(
    "the allowance grows without end",
    "Math.min(ALLOWANCE_MS, grownMs)",
    "Math.max(0, grownMs)",
  ),
  inline(
    "a write that fails costs nothing, however long it took",
    "writeAll(fd, chunks, offset);\n    } finally {",
    "writeAll(fd, chunks, offset);\n    } catch (error) {\n      throw error;\n    }\n    {",
  ),
  inline(
    "after one that has failed, none is inline",
    "    } finally {\n      this.#isBusy = false;\n    }",
    "      this.#isBusy = false;\n    } finally {\n    }",
  ),
];
