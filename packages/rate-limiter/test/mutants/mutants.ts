// Planted bugs, one for each trap that rate limiters are known to fall into. Each is a place in a
// source file and what stands there instead; a place that is no longer found fails loudly.
import type { Mutant } from "@compendium/house/planted";

const mutant = (file: string, name: string, search: string, replacement: string): Mutant => {
  return { name, file, search, replacement };
};

const emission = mutant.bind(undefined, "emission.ts");
const bucket = mutant.bind(undefined, "token-bucket.ts");
const gcra = mutant.bind(undefined, "gcra.ts");
const fixed = mutant.bind(undefined, "fixed-window.ts");
const log = mutant.bind(undefined, "sliding-window-log.ts");
const estimate = mutant.bind(undefined, "sliding-window-counter.ts");
const parts = mutant.bind(undefined, "conservative-sliding-counter.ts");
const queue = mutant.bind(undefined, "leaky-bucket-queue.ts");
const leases = mutant.bind(undefined, "concurrency-limit.ts");
const entries = mutant.bind(undefined, "entries.ts");
const decide = mutant.bind(undefined, "decide.ts");
const limiter = mutant.bind(undefined, "rate-limiter.ts");
const store = mutant.bind(undefined, "stores/memory.ts");

export const mutants: readonly Mutant[] = [
  emission(
    "the interval is rounded to whole µs",
    "this.part = (windowUs / divisor) % this.parts;",
    "this.part = 0;",
  ),
  emission(
    "a unit that does not fit is counted",
    "if (!this.#fits(units, us, rest)) units--;",
    "if (false) units--;",
  ),
  emission(
    "a unit too many is thought to fit",
    "whole === us && this.restOf(units) <= rest",
    "whole === us",
  ),
  emission("what fits is off by one", "this.restOf(units) <= rest", "this.restOf(units) < rest"),
  emission(
    "a limit too large to count is let pass",
    "(units + 1) > Number",
    "(units + 1) > 2 * Number",
  ),
  bucket(
    "the rest of an interval is lost",
    "const rest = sinceRest + emission.restOf(dropped);",
    "const rest = emission.restOf(dropped);",
  ),
  bucket(
    "every look restarts the interval",
    "if (us < emission.whole) return;",
    "if (us < emission.whole) return this.#since(row, nowUs, 0);",
  ),
  bucket("full a token too early", "if (dropped >= missing)", "if (dropped >= missing - 1)"),
  bucket("never quite full", "if (dropped >= missing)", "if (dropped > missing)"),
  bucket(
    "the wait ignores the fraction",
    "return us + Math.ceil(rest / rule.emission.parts);\n  }\n\n  charge",
    "return us;\n  }\n\n  charge",
  ),
  bucket(
    "a clock that is set back locks a key out",
    "if (sinceUs > nowUs - lateUs) return",
    "if (false) return",
  ),
  bucket(
    "reservations lock a key out when the clock is set back",
    "Math.max(0, emission.usOf(over) - rule.reserveMsMax * 1000)",
    "0",
  ),
  bucket(
    "a wait in ms among µs",
    "this.#sinceUs[row]! + rule.emission.usOf(toDrop) - nowUs;",
    "this.#sinceUs[row]! / 1000 + rule.emission.usOf(toDrop) - nowUs / 1000;",
  ),
  gcra("time before the request counts as tolerance twice", "if (tatUs < nowUs) {", "if (false) {"),
  gcra(
    "the burst is one too few",
    "this.toleranceUs = this.emission.usOf(burst);",
    "this.toleranceUs = this.emission.usOf(burst - 1);",
  ),
  gcra(
    "a carry of the fraction is lost",
    "const carry = rest >= emission.parts ? 1 : 0;",
    "const carry = 0;",
  ),
  gcra("a clock that is set back locks a key out", "tatUs > nowUs + rule.aheadUsMax", "false"),
  gcra(
    "a refund forgets to borrow",
    "const borrow = rest < 0 ? 1 : 0;\n    this.#tatUs[row]! -=",
    "const borrow = 0;\n    this.#tatUs[row]! -=",
  ),
  fixed("the window is one µs too long", "elapsedUs >= rule.windowUs", "elapsedUs > rule.windowUs"),
  fixed(
    "the last of the limit is refused",
    "if (count + cost <= rule.limit) return 0;",
    "if (count + cost < rule.limit) return 0;",
  ),
  fixed(
    "a clock that is set back keeps the window open",
    "elapsedUs < 0 || count > rule.limit",
    "count > rule.limit",
  ),
  fixed(
    "reserved windows keep a key out when the clock is set back",
    "elapsedUs < 0 || count > rule.limit",
    "elapsedUs < 0",
  ),
  log(
    "the window is closed at both ends",
    "this.#entries.dropUntil(row, nowUs - rule.windowUs);",
    "this.#entries.dropUntil(row, nowUs - rule.windowUs - 1);",
  ),
  log(
    "the window is open at both ends",
    "this.#entries.dropUntil(row, nowUs - rule.windowUs);",
    "this.#entries.dropUntil(row, nowUs - rule.windowUs + 1);",
  ),
  log(
    "whoever comes later overtakes a reservation",
    "let atUs = last === 0 ? nowUs : Math.max(nowUs, entries.atUs(last));",
    "let atUs = nowUs;",
  ),
  log(
    "a clock that is set back keeps entries",
    "this.#entries.setBack(row, nowUs + rule.reserveMsMax * 1000);",
    "",
  ),
  log(
    "waits for one entry too few",
    "over > 0; entry = entries.next(entry)",
    "over > entries.cost(entry); entry = entries.next(entry)",
  ),
  estimate(
    "the window before is not weighed",
    "const fitsUs = elapsedUntil(this.#previous[row]!, room, windowUs);",
    "const fitsUs = 0;",
  ),
  estimate(
    "two windows ago is counted",
    "stored === index - 1 ? this.#current[row]! : 0",
    "this.#current[row]!",
  ),
  estimate(
    "the estimate must lie below the limit",
    "while (count * (windowUs - elapsedUs) > most)",
    "while (count * (windowUs - elapsedUs) >= most)",
  ),
  estimate("what is left is rounded the wrong way", "return units - 1;", "return units;"),
  parts(
    "a part is let go while it is in sight",
    "this.#slots = parts + 1;",
    "this.#slots = parts;",
  ),
  parts(
    "a clock that is set back lets parts go too early",
    "counts.splice(0, 2, counts[0]! + counts[1]!);",
    "",
  ),
  parts(
    "a place that was given back is forgotten, with what came before",
    "return newest * rule.partUs;",
    "return 0;",
  ),
  queue(
    "the one at its turn counts as waiting",
    "this.capacity = queue + 1;",
    "this.capacity = queue;",
  ),
  leases("a lease lasts a µs too long", "nowUs - rule.windowUs", "nowUs - rule.windowUs - 1"),
  leases("a clock that is set back prolongs leases", "this.#leases.setBack(row, nowUs);", ""),
  entries("a lease that was used before is taken for the new one", "return isTheSame &&", "return"),
  entries("a lease of another key can be released", "&& this.#row[entry - 1] === row + 1", ""),
  entries("the queue forgets what it holds", "this.#used[row]! -= this.#cost[index]!;", ""),
  decide(
    "a denied request is charged",
    "charge && waitUs === 0 ? table.charge",
    "charge ? table.charge",
  ),
  decide(
    "rules that allow are charged though another denies",
    "if (charge && waitUs === 0) lease",
    "if (charge && table.waitUs(row, rules[i]!, nowUs, cost) === 0) lease",
  ),
  decide(
    "only the first of several rules is charged",
    "if (charge && waitUs === 0) lease",
    "if (charge && waitUs === 0 && i === 0) lease",
  ),
  decide(
    "the shortest wait is told, not the longest",
    "if (ruleWaitUs > waitUs) {",
    "if (waitUs === 0 && ruleWaitUs > waitUs) {",
  ),
  decide(
    "the wait is told in whole ms, rounded down",
    "retryAfterMs: Math.ceil(waitUs / 1000)",
    "retryAfterMs: Math.floor(waitUs / 1000)",
  ),
  decide(
    "the wait is told a ms too long",
    "retryAfterMs: Math.ceil(waitUs / 1000)",
    "retryAfterMs: Math.floor(waitUs / 1000) + (waitUs > 0 ? 1 : 0)",
  ),
  decide("µs are told as ms", "? delayUs / 1000", "? delayUs"),
  limiter(
    "an idempotency key ignores whose it is",
    "identityOf(key, idempotencyKey)",
    "identityOf(ALL, idempotencyKey)",
  ),
  limiter("two keys and idempotency keys look like one", "{key.length}:$", "{''}$"),
  limiter(
    "what was denied is remembered for an idempotency key",
    "identity !== undefined && decision.allowed",
    "identity !== undefined",
  ),
  limiter(
    "limiters that allow are charged though another denies",
    "asked.map(({ ask }) => ask(false))",
    "asked.map(({ ask }) => ask(true))",
  ),
  limiter("a part's row is taken for the next part's key", "this.#store.pin(row);", ""),
  limiter("a place is given back as often as it is cancelled", "isHeld = false;", ""),
  limiter(
    "a look changes the rules of a key",
    "!this.#ruleSets.isUnder(row, options.rules)",
    "false",
  ),
  limiter(
    "time is counted in ms",
    "(this.#clock.now() - this.#originMs) * 1000",
    "(this.#clock.now() - this.#originMs) * 1",
  ),
  mutant(
    "wait.ts",
    "a reservation goes beyond what may be waited for",
    "Math.ceil(placeUs / 1000) - aheadMs",
    "Math.floor(placeUs / 1000) - aheadMs",
  ),
  store(
    "there is room for one key more than may be",
    "this.#fresh > this.keysMax",
    "this.#fresh > this.keysMax + 1",
  ),
  store("a key that is not full is forgotten", "|| !this.#rows.isFull(row, nowUs)", ""),
  mutant("rate-limiter.ts", "full is when the first rule is", "tables.every(", "tables.some("),
  mutant(
    "once.ts",
    "an answer is kept for a µs too long",
    "kept.untilUs > nowUs",
    "kept.untilUs >= nowUs",
  ),
  mutant("key.ts", "half of a surrogate pair is a key", "!key.isWellFormed()", "false"),
];
