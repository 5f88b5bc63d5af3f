// One writer with a disk, and one that listens and keeps nothing. The writer is crashed at an
// effect of its choice: a message, a write, a sync, a rename. What the other has heard must be
// there in the writer's next life, and no number may ever stand for two operations.
import { AddWinsSet, Text } from "@compendium/crdt";
import type {
  CrashKind,
  EffectCrashFault,
  Invariants,
  Run,
  Scenario,
  World,
} from "@compendium/simulation";
import { checkSeed, type Verdict } from "@compendium/simulation";
import { type Subject, subject } from "./regions.ts";

interface Exposed {
  readonly text: Text;
  readonly tags: AddWinsSet<number>;
}

/** Five edits in each life; the log is rewritten at any size that the store is told. */
export function writer(tested: Subject = subject): Scenario {
  return {
    nodes: ["writer"],
    clients: ["reader"],
    node: (world) => write(world, tested),
    client: (world) => read(world, tested),
    invariants: (run) => new Remembers(run),
    phases: { safetyMs: 400, livenessMs: 10_000 },
    faults: { countMax: 0 },
  };
}

/** Crashes the writer there; a failure is in the verdict. */
export function crashAt(
  effect: number,
  moment: EffectCrashFault["moment"],
  how: CrashKind,
  tested: Subject = subject,
): Promise<Verdict> {
  const fault = { kind: "crashAtEffect", node: "writer", effect, moment, how } as const;
  return checkSeed(writer(tested), effect, { faults: [{ ...fault, downUs: 2_000 }], calm: true });
}

/** A sync fails there, and later the power does; a failure is in the verdict. */
export function failAt(atUs: number, tested: Subject = subject): Promise<Verdict> {
  const faults = [
    { kind: "syncFails", node: "writer", atUs, forUs: 1_000 },
    { kind: "crash", node: "writer", atUs: 200_000, how: "power", downUs: 2_000 },
  ] as const;
  return checkSeed(writer(tested), atUs, { faults, calm: true });
}

function nodeOf(world: World, tested: Subject, store: boolean) {
  const { name, clock, random, files } = world;
  return new tested.SyncNode({
    name,
    clock,
    random,
    ...(store && { store: new tested.FileStore(files) }),
    rewriteBytes: 150,
    heartbeatMs: 100,
    checkMs: 50,
    retryMs: 5,
    retryMsMax: 20,
    onEvent: (event) => {
      if (event.type === "refused") world.record("refused", event.error.message);
      if (event.type === "failed") world.exit("the disk failed");
      if (event.type === "diverged") world.record("diverged", event.document);
    },
  });
}

async function write(world: World, tested: Subject): Promise<void> {
  try {
    await begin(world, tested);
  } catch (error) {
    world.exit(String(error));
  }
}

async function begin(world: World, tested: Subject): Promise<void> {
  const node = nodeOf(world, tested, true);
  const [text, tags] = [new Text("writer"), new AddWinsSet<number>("writer")];
  const notes = await node.open("text", text);
  await node.open("tags", tags);
  node.connect(world.transport, "reader");
  world.expose({ text, tags });
  let left = 8;
  const edit = (): void => {
    // Other content in each life: a number that is issued twice shows.
    const letter = String.fromCharCode(97 + world.incarnation);
    notes.change(() => text.insert(text.length, letter.repeat(3)));
    tags.add(left + 10 * world.incarnation);
    // And one more while the disk is busy with this.
    const { clock } = world;
    clock.setTimer(clock.now() + 0.2, () => notes.change(() => text.insert(0, letter)));
    if (left % 3 === 0) tags.delete(left + 1 + 10 * world.incarnation);
    if (--left > 0) world.clock.setTimer(world.clock.now() + 15, edit);
  };
  edit();
}

async function read(world: World, tested: Subject): Promise<void> {
  const node = nodeOf(world, tested, false);
  const [text, tags] = [new Text("reader"), new AddWinsSet<number>("reader")];
  await node.open("text", text);
  await node.open("tags", tags);
  await node.listen(world.transport, "reader");
  world.expose({ text, tags });
}

class Remembers implements Invariants {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  observe({ event, data }: { event: string; data?: unknown }): void {
    if (event === "refused" || event === "diverged") throw new Error(`${event} ${data}`);
  }

  live(): boolean {
    const own = this.#run.exposed("writer") as Exposed | undefined;
    const other = this.#run.exposed("reader") as Exposed | undefined;
    if (own === undefined || other === undefined) return false;
    const isSame = own.text.digest() === other.text.digest();
    return isSame && own.tags.digest() === other.tags.digest() && own.text.length >= 24;
  }
}
