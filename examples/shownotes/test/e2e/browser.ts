// A real browser, as far as these tests need one: a page is opened, looked at, and clicked on, over
// the DevTools protocol, which Chromium speaks on a WebSocket.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Need } from "@compendium/metrics/testing";

const NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
];

const binary = NAMES.find((name) => spawnSync(name, ["--version"]).status === 0);

/** Chromium under any of its names. */
export const chromium: Need = {
  name: "chromium",
  present: binary !== undefined,
  how: "it is a package of its own (Debian: apt-get install chromium-headless-shell)",
};

/** One open page. */
export interface Page {
  /** Errors of the page's own: exceptions, and what it logged as an error. */
  errors: string[];
  /** Evaluates an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  close(): Promise<void>;
}

interface Message {
  id?: number;
  method?: string;
  params?: { type?: string; entry?: { level: string } };
  result?: { result?: { value?: unknown }; targetId?: string; sessionId?: string };
}

/** Opens a page in a browser of its own. */
export async function openPage(url: string): Promise<Page> {
  const profile = mkdtempSync(join(tmpdir(), "shownotes-browser-"));
  const browser = spawn(binary as string, [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const socket = new WebSocket(await readAddress(browser.stderr));
  await once(socket, "open");

  const errors: string[] = [];
  const waiting = new Map<number, (message: Message) => void>();
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    const { method, params } = message;
    const failed =
      method === "Runtime.exceptionThrown" ||
      (method === "Runtime.consoleAPICalled" && params?.type === "error") ||
      (method === "Log.entryAdded" && params?.entry?.level === "error");
    if (failed) errors.push(JSON.stringify(params));
  });
  let sent = 0;
  const send = (method: string, params: object, sessionId?: string) =>
    new Promise<NonNullable<Message["result"]>>((resolve) => {
      const id = ++sent;
      waiting.set(id, ({ result = {} }) => resolve(result));
      socket.send(JSON.stringify({ id, method, params, sessionId }));
    });

  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  await send("Runtime.enable", {}, sessionId);
  await send("Log.enable", {}, sessionId);
  await send("Page.navigate", { url }, sessionId);
  return {
    errors,
    evaluate: async (expression) => {
      const { result } = await send("Runtime.evaluate", { expression }, sessionId);
      return result?.value;
    },
    close: async () => {
      const exited = once(browser, "exit");
      void send("Browser.close", {});
      await exited;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function readAddress(stderr: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stderr) {
    text += chunk;
    const address = /ws:\/\/\S+/.exec(text);
    if (address !== null) return address[0];
  }
  throw new Error(`the browser ended:\n${text}`);
}
