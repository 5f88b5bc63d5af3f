// The script as a whole. All algorithms are in it, so that one call can decide about any of them;
// each is made only when a rule asks for it.
import { createHash } from "node:crypto";
import { CONCURRENCY_LIMIT } from "./concurrency-limit.ts";
import { CONSERVATIVE_SLIDING_COUNTER } from "./conservative-sliding-counter.ts";
import { EMISSION } from "./emission.ts";
import { FIXED_WINDOW } from "./fixed-window.ts";
import { GCRA } from "./gcra.ts";
import { HEAD, MAIN, SERVER_TIME } from "./main.ts";
import { SLIDING_WINDOW_COUNTER } from "./sliding-window-counter.ts";
import { SLIDING_WINDOW_LOG } from "./sliding-window-log.ts";
import { TOKEN_BUCKET } from "./token-bucket.ts";

/** A Lua script and the name that Redis gives it. */
export interface Script {
  readonly text: string;
  readonly sha1: string;
}

/**
 * The script that decides.
 *
 * @param now a Lua expression for the time in whole µs; by default, the server's clock
 */
export function makeScript(now: string = SERVER_TIME): Script {
  const text = [
    HEAD.replace("%NOW%", () => now),
    EMISSION,
    TOKEN_BUCKET,
    GCRA,
    FIXED_WINDOW,
    SLIDING_WINDOW_LOG,
    SLIDING_WINDOW_COUNTER,
    CONSERVATIVE_SLIDING_COUNTER,
    CONCURRENCY_LIMIT,
    MAIN,
  ].join("");
  return { text, sha1: createHash("sha1").update(text).digest("hex") };
}
