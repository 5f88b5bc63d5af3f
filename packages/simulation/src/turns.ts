// Turns of the event loop, and whose turn it is. A promise that a node's code rejects and nobody
// handles is reported by the platform, to the process as a whole; but it is reported right after
// the turn in which it was left, and so it belongs to the world whose turn that was.

interface Turn {
  fail(error: unknown): void;
}

interface Platform {
  on(event: "unhandledRejection", listener: (error: unknown) => void): void;
  off(event: "unhandledRejection", listener: (error: unknown) => void): void;
}

// Taken once, at import: a test that patches the global timers must not stop the world.
const later: (fn: () => void) => void =
  (globalThis as { setImmediate?: (fn: () => void) => void }).setImmediate ?? setTimeout;

const running = new Set<Turn>();
let current: Turn | undefined;

const onUnhandledRejection = (error: unknown): void => current?.fail(error);

function platform(): Platform | undefined {
  return (globalThis as { process?: Platform }).process;
}

/** Calls `fn` in a later macrotask: all promise continuations have run by then. */
export function macrotask(fn: () => void): void {
  later(fn);
}

/** It is this world's turn. */
export function enter(turn: Turn): void {
  current = turn;
  if (running.has(turn)) return;
  if (running.size === 0) platform()?.on("unhandledRejection", onUnhandledRejection);
  running.add(turn);
}

/** This world has run, and takes no more turns. */
export function leave(turn: Turn): void {
  running.delete(turn);
  if (running.size === 0) platform()?.off("unhandledRejection", onUnhandledRejection);
}
