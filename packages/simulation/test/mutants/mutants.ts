// Bugs in the simulator itself, one for each promise that it makes: a world that is kinder, or less
// deterministic, than it says would let real bugs through. Each is a place in a source file and
// what stands there instead; a place that is no longer found fails loudly.
import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file, search, replacement };
};

const image = mutant.bind(undefined, "disk/file-image.ts");
const names = mutant.bind(undefined, "disk/name-tree.ts");
const files = mutant.bind(undefined, "disk/simulated-files.ts");
const datagrams = mutant.bind(undefined, "network/datagrams.ts");
const link = mutant.bind(undefined, "network/link.ts");
const node = mutant.bind(undefined, "simulated-node.ts");
const clock = mutant.bind(undefined, "simulated-clock.ts");
const world = mutant.bind(undefined, "simulation.ts");

export const mutants: readonly Mutant[] = [
  image("a power cut keeps everything", 'if (mode === "none") return;', 'mode = "all";'),
  image(
    "a sector is not the unit that is kept",
    "export const SECTOR_BYTES = 512",
    "export const SECTOR_BYTES = 500",
  ),
  image(
    "a sync covers writes that are under way",
    "this.#pending.filter(({ settled }) => settled)",
    "[...this.#pending]",
  ),
  image(
    "a sync does not reach the platter",
    "if (covered.has(change)) apply(change, this.#platter);",
    "",
  ),
  image(
    "a failed sync is made up for by the next",
    "this.#pending = this.#pending.filter((change) => !covered.has(change));\n    if (readsShow",
    "if (readsShow",
  ),
  image(
    "a kill loses what was written",
    "this.#pending.filter(({ settled }) => !settled)",
    "[...this.#pending]",
  ),
  image(
    "rot stays in the cache",
    "if (offset < this.#platter.size) this.#platter.flipBit(offset, bit);",
    "",
  ),
  names(
    "a name is durable without a sync",
    "const keeps = !builds && (all === 0 || (all > 1 && random.below(2) === 0));",
    "const keeps = true;",
  ),
  names("a rename leaves both names", "from?.folder.names.delete(from.name);", ""),
  names("a folder's sync forgets what its names build on", "if (needed) kept.add(change);", ""),
  files(
    "a failed sync does not latch",
    'this.#failed ??= fault("FILE_SYNC_FAILED"',
    'throw fault("FILE_SYNC_FAILED"',
  ),
  files(
    "space that was taken is not there",
    "const room = bytes.length === 0 || disk.take(this.#image, offset + bytes.length);",
    "const room = !disk.full;",
  ),
  datagrams(
    "what is on its way passes a cut",
    'path.inFlight--;\n        if (path.isCut) return host.onMessage("cut", from, to);',
    "path.inFlight--;",
  ),
  datagrams(
    "a message is sent whatever becomes of the sender",
    "if (effect === undefined) return;",
    "",
  ),
  datagrams("a paused process hears", "if (this.#process.paused) {", "if (false) {"),
  mutant(
    "network/network.ts",
    "one mended cut mends all",
    "this.#cuts = Math.max(0, this.#cuts - 1);",
    "this.#cuts = 0;",
  ),
  mutant(
    "network/network.ts",
    "fifo is no fifo",
    "this.#lastArrivalUs = Math.max(this.#lastArrivalUs, us);",
    "this.#lastArrivalUs = us;",
  ),
  link(
    "a link that is cut never breaks",
    "if (time.nowUs - this.#stalledSinceUs < breakAfterUs) {",
    "if (time.nowUs >= 0) {",
  ),
  link(
    "messages of a link overtake each other",
    "const readyUs = Math.max(arrivalUs, this.#queue.at(-1)?.readyUs ?? 0);\n    this.#queue.push({ content, readyUs });",
    "const readyUs = arrivalUs;\n    this.#queue.push({ content, readyUs });\n    this.#queue.sort((a, b) => a.readyUs - b.readyUs);",
  ),
  link("nobody hears of a killed peer", 'this.#enqueue("reset");', ""),
  link(
    "a power cut is heard at once",
    "time.schedule(time.nowUs + network.options.breakAfterUs, undefined, () => this.reset());",
    "this.reset();",
  ),
  node("a ghost records", "if (!process.alive) return;\n        const us", "const us"),
  node(
    "a ghost ends the life that follows",
    "if (!process.alive) return;\n        simulation.trace.record",
    "simulation.trace.record",
  ),
  node(
    "monotonic time goes on over a power cut",
    "this.#originUs = 0;\n      this.#bootedUs",
    "this.#bootedUs",
  ),
  node("crashes at effects are never healed", "this.disk.heal();", ""),
  mutant(
    "process.ts",
    "a crash before an effect comes after it",
    'if (moment !== "before")',
    "if (moment !== undefined || true)",
  ),
  clock("timers do not follow the rate", "timer.disarm();\n      this.#arm(timer);", ""),
  clock(
    "a step of the wall clock steps the other",
    "this.#wallOffsetUs += us;",
    "this.#wallOffsetUs += us;\n    this.#localUs += us;",
  ),
  clock(
    "drift is twice what was asked for",
    "Math.floor((elapsedUs * this.#ppm) / MILLION)",
    "Math.floor((elapsedUs * 2 * this.#ppm) / MILLION)",
  ),
  world(
    "events of the dead happen",
    "if (fn === undefined || owner?.alive === false) continue;",
    "if (fn === undefined) continue;",
  ),
  world("a pause pauses nothing", "if (owner?.paused) {", "if (false) {"),
  mutant(
    "event-queue.ts",
    "events of one instant change places",
    "(a.atUs === b.atUs && a.order < b.order)",
    "(a.atUs === b.atUs && a.order > b.order)",
  ),
  mutant(
    "trace.ts",
    "the hash does not see a message's bytes",
    "for (const byte of bytes) this.word(byte);",
    "",
  ),
  mutant(
    "trace.ts",
    "the hash does not see the time",
    "this.#events++;\n    const hash = this.#hash;\n    hash.integer(us);",
    "this.#events++;\n    const hash = this.#hash;",
  ),
  mutant(
    "fault-effects.ts",
    "troubles go on after their end",
    "if (simulation.isCalm) return;",
    "",
  ),
  mutant(
    "scenario.ts",
    "liveness is not asked for",
    "if (invariants.live === undefined) return;",
    "return;",
  ),
  mutant(
    "shrink.ts",
    "a complement is never tried",
    "if (await fails(complement)) return complement;",
    "",
  ),
];
