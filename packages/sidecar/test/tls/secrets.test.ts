// Files that change under a proxy: written in steps, swapped by a link, gone for a while.
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ManualClock, systemClock } from "@compendium/runtime";
import { afterEach, expect, test } from "vitest";
import { FileWatch } from "../../src/tls/file-watch.ts";
import { filesOf } from "../../src/tls/secret.ts";
import { SecretStore } from "../../src/tls/secret-store.ts";
import { Authority, downstreamTls, Files } from "./files.ts";
import { listenerSnapshot } from "./snapshots.ts";

const authority = new Authority("secrets");
const open: Disposable[] = [];

afterEach(() => {
  for (const thing of open.splice(0).reverse()) thing[Symbol.dispose]();
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

function setUp(clock: ManualClock | typeof systemClock = new ManualClock()) {
  const files = new Files();
  const pair = files.pair("own", authority.member("one"));
  const caFile = files.write("ca.crt", authority.ca);
  const tls = downstreamTls(pair, { clientCaFile: caFile });
  const notes: string[] = [];
  const store = new SecretStore({ clock, onNote: (note) => notes.push(note), settleMs: 5 });
  open.push(files, store);
  const snapshot = listenerSnapshot(tls);
  store.use(snapshot);
  const secret = store.get({ certificates: tls.certificates, caFile });
  return { files, pair, caFile, tls, notes, store, snapshot, secret, clock };
}

test("a new pair is taken, and what was read before stays what it was", async () => {
  const { files, store, secret, notes } = setUp();
  const before = secret.current;
  const next = authority.member("two");
  files.pair("own", next);
  await store.refresh();
  expect(secret.current.certificates[0]!.certificate.toString()).toBe(next.certificate);
  expect(before.certificates[0]!.certificate.toString()).not.toBe(next.certificate);
  expect([store.numbers, notes.length]).toEqual([{ rotations: 1, refused: 0 }, 1]);
  await store.refresh();
  expect(store.numbers.rotations).toBe(1);
});

test("half of a new pair is not taken, is told of once, and its other half makes it good", async () => {
  const { files, store, secret, notes } = setUp();
  const before = secret.current;
  const next = authority.member("two");
  files.write("own.crt", next.certificate);
  await store.refresh();
  await store.refresh();
  expect(secret.current).toBe(before);
  expect(store.numbers).toEqual({ rotations: 0, refused: 1 });
  expect(notes).toEqual([expect.stringContaining("is not the key of the certificate in")]);
  files.write("own.key", next.key);
  await store.refresh();
  expect(secret.current).not.toBe(before);
  expect(store.numbers).toEqual({ rotations: 1, refused: 1 });
});

test.each([
  ["a missing file", (files: Files) => rmSync(path.join(files.folder, "own.key"))],
  ["an empty file", (files: Files) => files.write("own.crt", "")],
  [
    "half a certificate",
    (files: Files) => {
      const certificate: string = authority.member("two").certificate;
      files.write("own.crt", certificate.slice(0, 300));
    },
  ],
  [
    "authorities of which the last is cut off",
    (files: Files) => {
      files.write("ca.crt", authority.ca + authority.ca.slice(0, 200));
    },
  ],
  [
    "a key where a certificate should be",
    (files: Files) => {
      files.write("ca.crt", authority.member("two").key);
    },
  ],
  [
    "a certificate with its key in one file of authorities",
    (files: Files) => {
      const two = authority.member("two");
      files.write("ca.crt", two.certificate + two.key);
    },
  ],
  [
    "a file of more than a mebibyte",
    (files: Files) => {
      files.write("ca.crt", authority.ca + " ".repeat(2 ** 20));
    },
  ],
])("%s changes nothing", async (_name, spoil) => {
  const { files, store, secret } = setUp();
  const before = secret.current;
  spoil(files);
  await store.refresh();
  expect(secret.current).toBe(before);
  expect(store.numbers).toEqual({ rotations: 0, refused: 1 });
});

test("a configuration whose secrets cannot be had is refused with all that is wrong", () => {
  const { store, secret, tls, snapshot } = setUp();
  const wrong = { certificateFile: "/nowhere/a.crt", keyFile: "/nowhere/a.key" };
  const more = listenerSnapshot({ ...tls, certificates: [wrong] });
  expect(() => store.use(more)).toThrow(/listener in: \/nowhere\/a\.crt: ENOENT/);
  const second = { ...tls, certificates: [tls.certificates[0]!, tls.certificates[0]!] };
  expect(() => store.use(listenerSnapshot(second))).toThrow(/second certificate .* kind ec/);
  expect(store.get(secret.files)).toBe(secret);
  store.use({ ...snapshot, listeners: new Map() });
  expect(store.size).toBe(0);
  expect(() => store.get(secret.files)).toThrow(RangeError);
});

test("where no watch says anything, the poll finds out", async () => {
  const clock = new ManualClock();
  const { files, store } = setUp(clock);
  files.pair("own", authority.member("two"));
  clock.advance(30_000);
  await until(() => store.numbers.rotations === 1);
});

test("the watch says when a file is written", async () => {
  const { files, store } = setUp(systemClock);
  files.pair("own", authority.member("two"));
  await until(() => store.numbers.rotations === 1);
});

test("Kubernetes swaps all files at once by one link, and the swap is seen", async () => {
  const files = new Files();
  const version = (name: string): void => {
    const two = authority.member(name);
    mkdirSync(path.join(files.folder, name));
    writeFileSync(path.join(files.folder, name, "tls.crt"), two.certificate);
    writeFileSync(path.join(files.folder, name, "tls.key"), two.key);
    symlinkSync(name, path.join(files.folder, "..data_tmp"));
    renameSync(path.join(files.folder, "..data_tmp"), path.join(files.folder, "..data"));
  };
  version("v1");
  for (const name of ["tls.crt", "tls.key"]) {
    symlinkSync(path.join("..data", name), path.join(files.folder, name));
  }
  const [certificateFile, keyFile] = ["tls.crt", "tls.key"].map((it) =>
    path.join(files.folder, it),
  );
  const store = new SecretStore({ clock: systemClock, settleMs: 5 });
  open.push(files, store);
  store.use(
    listenerSnapshot(downstreamTls({ certificateFile: certificateFile!, keyFile: keyFile! })),
  );
  for (let i = 2; i < 6; i++) {
    version(`v${i}`);
    await until(() => store.numbers.rotations === i - 1);
  }
  expect(store.numbers).toEqual({ rotations: 4, refused: 0 });
});

test("a directory that is replaced is watched again after a poll", async () => {
  const clock = new ManualClock();
  const files = new Files();
  open.push(files);
  const folder = path.join(files.folder, "mount");
  mkdirSync(folder);
  let changes = 0;
  const options = { clock, settleMs: 1, pollMs: 1_000, onChange: () => void changes++ };
  const watch = new FileWatch(options);
  open.push(watch);
  watch.set([path.join(folder, "a.crt")]);
  expect(watch.size).toBe(1);
  rmSync(folder, { recursive: true });
  clock.advance(1_000);
  mkdirSync(folder);
  clock.advance(1_000);
  expect([watch.size, changes >= 2]).toEqual([1, true]);
  const before = changes;
  writeFileSync(path.join(folder, "a.crt"), "new");
  await until(() => {
    clock.advance(1);
    return changes > before;
  });
  watch.set([]);
  expect([watch.size, clock.pendingTimers]).toEqual([0, 0]);
});

test("all files of a configuration are watched once", () => {
  const { secret, files } = setUp();
  expect(filesOf(secret.files).map((file) => path.dirname(file))).toEqual([
    files.folder,
    files.folder,
    files.folder,
  ]);
});
