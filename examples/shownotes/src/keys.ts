// One key, one action. Only where there is a terminal: the page and its endpoints do the same.
import { emitKeypressEvents } from "node:readline";
import { BusyError, type Lab } from "./lab.ts";

const HELP = "keys: 1 run X1 again · p pattern on/off · f fault on/off · r reset · q quit";

/** Listens to the terminal until the process ends; does nothing without one. */
export function listenKeys(
  lab: Lab,
  stop: (code: number) => Promise<void>,
  say: (line: string) => void,
): void {
  if (!process.stdin.isTTY) return;
  const actions: Record<string, () => Promise<unknown>> = {
    "1": () => lab.runExperiment(),
    p: () => lab.setPattern(),
    f: () => lab.setFault(),
    r: () => lab.reset(),
    q: () => stop(0),
  };
  say(HELP);
  emitKeypressEvents(process.stdin);
  process.stdin.setRawMode(true);
  process.stdin.on("keypress", (_text, key: { name?: string; sequence: string; ctrl: boolean }) => {
    // In raw mode the terminal no longer turns Ctrl-C into a signal.
    if (key.ctrl && key.name === "c") return void stop(0);
    const act = actions[key.name ?? key.sequence];
    if (act === undefined) return say(HELP);
    act().catch((error: Error) => {
      if (error instanceof BusyError) say(error.message);
      else say(`that did not work: ${error.message}`);
    });
  });
}
