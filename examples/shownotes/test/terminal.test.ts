import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { listenKeys } from "../src/keys.ts";
import { BusyError, type Lab } from "../src/lab.ts";
import { type Screen, Terminal } from "../src/terminal.ts";

function screen(options: Partial<Screen>): Screen & { text: string } {
  return {
    text: "",
    ...options,
    write(text: string) {
      this.text += text;
    },
  };
}

test("in a file there is only what was said", () => {
  const file = screen({});
  const terminal = new Terminal(file);
  terminal.status("all is well");
  terminal.say("hello");
  expect(file.text).toBe("hello\n");
});

test("what is said appears above the status, which is shown again below", () => {
  const tty = screen({ isTTY: true, columns: 80 });
  const terminal = new Terminal(tty);
  terminal.status("one");
  terminal.say("hello");
  terminal.status("two");
  terminal.status("two");
  terminal.status("");
  terminal.say("bye");
  const erase = "\r\u001b[2K";
  expect(tty.text).toBe(`one${erase}hello\none${erase}two${erase}bye\n`);
});

test("a status never wraps", () => {
  const tty = screen({ isTTY: true, columns: 10 });
  new Terminal(tty).status("0123456789abc");
  expect(tty.text).toBe("012345678");
});

class Keyboard extends EventEmitter {
  isTTY = true;
  raw = false;

  setRawMode(raw: boolean): this {
    this.raw = raw;
    return this;
  }

  press(name: string | undefined, sequence = name, ctrl = false): void {
    this.emit("keypress", sequence, { name, sequence, ctrl });
  }
}

function setUp(lab: Partial<Lab> = {}) {
  const keyboard = new Keyboard();
  const done: string[] = [];
  const said: string[] = [];
  const act = (name: string) => async () => void done.push(name);
  const fake = {
    experiments: [
      { id: "x1", key: "1", title: "" },
      { id: "x2", key: "2", title: "" },
    ],
    run: async (id: string) => void done.push(id),
    setPattern: act("pattern"),
    setFault: act("fault"),
    reset: act("reset"),
    ...lab,
  } as unknown as Lab;
  const stop = () => void done.push("stop");
  const listen = () =>
    listenKeys(keyboard as never, { lab: fake, stop, say: (line) => said.push(line) });
  return { keyboard, done, said, listen };
}

test("one key, one action; the keys are said first", () => {
  const { keyboard, done, said, listen } = setUp();
  listen();
  expect(keyboard.raw).toBe(true);
  expect(said).toEqual([expect.stringMatching(/^keys: 1 X1 · 2 X2 · p .* f .* r .* q quit$/)]);
  keyboard.press(undefined, "1");
  keyboard.press(undefined, "2");
  for (const key of ["p", "f", "r", "q"]) keyboard.press(key);
  keyboard.press("c", "\u0003", true);
  expect(done).toEqual(["x1", "x2", "pattern", "fault", "reset", "stop", "stop"]);
});

test("where there are regions that can be cut off, there is a key for it", async () => {
  const { keyboard, done, said } = setUp();
  const presence = {
    names: ["eu"],
    isParted: false,
    urlOf: () => new URL("http://eu"),
    part: async (on: boolean) => void done.push(`part ${on}`),
  };
  const lab = { experiments: [] } as unknown as Lab;
  listenKeys(keyboard as never, { lab, presence, stop: () => {}, say: (line) => said.push(line) });
  expect(said[0]).toContain(" · c cut the regions off");
  keyboard.press("c");
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toEqual(["part true"]);
});

test("any other key says what keys there are, and does nothing", () => {
  const { keyboard, done, said, listen } = setUp();
  listen();
  keyboard.press("x");
  keyboard.press("toString");
  keyboard.press("c");
  expect(done).toEqual([]);
  expect(said).toHaveLength(4);
});

test("an action that cannot be taken now is a line, as is one that fails", async () => {
  const { keyboard, said, listen } = setUp({
    run: () => Promise.reject(new BusyError("busy")),
    reset: () => Promise.reject(new Error("no memory")),
  });
  listen();
  keyboard.press("1");
  keyboard.press("r");
  await new Promise((resolve) => setImmediate(resolve));
  expect(said.slice(1)).toEqual(["busy", "that did not work: no memory"]);
});

test("without a terminal, nothing is listened to and nothing is said", () => {
  const { keyboard, said, listen } = setUp();
  keyboard.isTTY = false;
  listen();
  expect([keyboard.raw, said, keyboard.listenerCount("keypress")]).toEqual([false, [], 0]);
});

test("a terminal that goes away ends the demo", () => {
  const { keyboard, done, listen } = setUp();
  listen();
  keyboard.emit("error", new Error("EIO"));
  expect(done).toEqual(["stop"]);
});
