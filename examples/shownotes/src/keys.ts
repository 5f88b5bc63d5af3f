// One key, one action. Only where there is a terminal: the page and its endpoints do the same.
import { emitKeypressEvents } from "node:readline";
import type { ReadStream } from "node:tty";
import { BusyError, type Lab } from "./lab.ts";
import { type PublicPresence, setPartition } from "./public-presence.ts";

const HELP = "p pattern on/off · f fault on/off · r reset · q quit";
const REGIONS_HELP = "c cut the regions off/let them meet";

type Keyboard = Pick<ReadStream, "isTTY" | "setRawMode" | "on">;

/** What keys act on. */
export interface KeyTargets {
  lab: Lab;
  presence?: PublicPresence | undefined;
  stop(): void;
  say(line: string): void;
}

/** Listens to the terminal until the process ends; does nothing without one. */
export function listenKeys(keyboard: Keyboard, { lab, presence, stop, say }: KeyTargets): void {
  if (!keyboard.isTTY) return;
  const actions: Record<string, () => Promise<unknown>> = {
    p: () => lab.setPattern(),
    f: () => lab.setFault(),
    r: () => lab.reset(),
    ...(presence?.part && { c: () => setPartition(presence) }),
  };
  for (const { id, key } of lab.experiments) actions[key] = () => lab.run(id);
  const runs = lab.experiments.map(({ id, key }) => `${key} ${id.toUpperCase()}`).join(" · ");
  const cut = presence?.part === undefined ? "" : `${REGIONS_HELP} · `;
  const help = `keys: ${runs} · ${cut}${HELP}`;
  say(help);
  emitKeypressEvents(keyboard as ReadStream);
  keyboard.setRawMode(true);
  // A terminal that is closed cannot be read any more; SIGHUP says so, too.
  keyboard.on("error", stop);
  keyboard.on("keypress", (_text, key: { name?: string; sequence: string; ctrl: boolean }) => {
    const pressed = key.name ?? key.sequence;
    // In raw mode the terminal no longer turns Ctrl-C into a signal.
    if (pressed === "q" || (key.ctrl && pressed === "c")) return stop();
    const act = Object.hasOwn(actions, pressed) ? actions[pressed] : undefined;
    if (act === undefined) return say(help);
    act().catch((error: Error) => {
      say(error instanceof BusyError ? error.message : `that did not work: ${error.message}`);
    });
  });
}
