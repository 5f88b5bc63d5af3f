// Planted bugs, one for each trap that balancers, detectors and checks are known to fall into.
import type { Mutant } from "@compendium/house/planted";

const inFile =
  (file: string) =>
  (name: string, search: string, replacement: string): Mutant => {
    return { name, file, search, replacement };
  };

const edf = inFile("balance/edf.ts");
const alias = inFile("balance/alias-table.ts");
const rotation = inFile("balance/round-robin.ts");
const least = inFile("balance/least-request.ts");
const ewma = inFile("balance/peak-ewma.ts");
const slow = inFile("balance/slow-start.ts");
const ring = inFile("balance/ring-hash.ts");
const maglev = inFile("balance/maglev.ts");
const priorities = inFile("balance/priorities.ts");
const level = inFile("balance/level.ts");
const balancer = inFile("balance/priority-balancer.ts");
const subset = inFile("balance/subset-balancer.ts");
const hosts = inFile("cluster/host-set.ts");
const breakers = inFile("cluster/breakers.ts");
const cluster = inFile("cluster/cluster.ts");
const detector = inFile("outlier/outlier-detector.ts");
const kinds = inFile("outlier/outlier-kinds.ts");
const rates = inFile("outlier/success-rate.ts");
const monitor = inFile("outlier/host-monitor.ts");
const health = inFile("health/health-checker.ts");

export const mutants: readonly Mutant[] = [
  edf("every schedule begins alike", "(random.below(TWO_32) + 1) / TWO_32 / ", "1 / "),
  edf("a weight is taken for a period", "+= 1 / this.#weightOf(item)", "+= this.#weightOf(item)"),
  edf(
    "the heap looks at one child only",
    "deadlines[below + 1]! < deadlines[below]!) below++",
    "false) below++",
  ),
  alias("what fills a column is not taken off", "heights[filler]! -= 1 - heights[filled]!;", ""),
  alias("nobody has an alias", "this.#aliases[filled] = filler;", ""),
  rotation(
    "turns end one too late",
    "this.#next + 1 === this.#hosts",
    "this.#next === this.#hosts",
  ),
  rotation(
    "turns begin with the first host",
    "this.#next = random.below(hosts.length);",
    "this.#next = 0;",
  ),
  rotation(
    "slow start is forgotten where weights are equal",
    "areEqual(weights) && !slowStart?.concerns(hosts)",
    "areEqual(weights)",
  ),
  least("the busiest is taken", "activeRequests < best", "activeRequests > best"),
  least("the first request costs nothing", "activeRequests + 1;", "activeRequests || 1;"),
  ewma("a peak is averaged", "isPeak ? latencyMs : average", "false ? latencyMs : average"),
  ewma("silence does not decay", "return latencyMs * remembered *", "return latencyMs *"),
  ewma("requests under way are free", " * (activeRequests + 1);", ";"),
  ewma(
    "an unknown host gets everything",
    "activeRequests === 0 ? 0 : UNKNOWN_MS + activeRequests",
    "0",
  ),
  ewma("the dearer is taken", "return isDearer ? other : one;", "return isDearer ? one : other;"),
  slow("a weight of nothing", "Math.max(1, forMs) / windowMs", "forMs / windowMs"),
  slow("aggression is upside down", "ratio ** (1 / aggression)", "ratio ** aggression"),
  slow("the least weight is not given", "Math.max(grown, weightMin / 100)", "grown"),
  slow("a panic is slow, too", " || !isAvailable(host)", ""),
  ring("after the last place comes none", "(low + attempt) % places.length", "low + attempt"),
  ring("a place is not its own", "places[middle]! < position", "places[middle]! <= position"),
  ring("weights are forgotten", "(scale * weights[i]!) / sum", "scale / hosts.length"),
  ring(
    "the lightest host has broken places",
    "Math.ceil(least * sizeMin) / least",
    "sizeMin / 1.3",
  ),
  maglev("weights are forgotten", "if (turn * entry.weight < entry.due) continue;", ""),
  maglev(
    "the table depends on how hosts were listed",
    "a.host.address < b.host.address ? -1 : 1",
    "0",
  ),
  maglev("offset and skip are one hash", "tableSize - 1, 1) + 1", "tableSize - 1) + 1"),
  maglev(
    "every attempt meets the same host",
    "attempt === 0) return hash",
    "attempt >= 0) return hash",
  ),
  priorities("what rounding loses is lost", "(loads[first] ?? 0) + left", "loads[first] ?? 0"),
  priorities("a level panics though others can carry it", "total < 100 && ", ""),
  priorities(
    "the threshold is a panic",
    "availablePercent(level) < Math",
    "availablePercent(level) <= Math",
  ),
  priorities("if all panic, health still counts", "if (panics.every(Boolean)) {", "if (false) {"),
  level("a panic keeps to the healthy", "isPanic ? group.hosts : ", "false ? group.hosts : "),
  level("a place keeps its share without hosts", "weight * Math.min(1, available)", "weight"),
  level("a place has no room to spare", "(settings.overprovisioningFactor / 100) * ", ""),
  level("a place counts by its hosts", "(host.weight * weight) / sum", "host.weight * weight"),
  balancer(
    "a level's last percent is another's",
    "point >= levels[index]",
    "point > levels[index]",
  ),
  balancer("the last level is first", "sort(([a], [b]) => a - b)", "sort(([a], [b]) => b - a)"),
  balancer(
    "one attempt too many",
    "const host = this.#pick(level, 0, attempt);\n      if (host === undefined || attempt >= host",
    "const host = this.#pick(level, 0, attempt);\n      if (host === undefined || attempt > host",
  ),
  balancer(
    "tried hosts are taken again",
    "const host = this.#pick(level, 0, attempt);\n      if (host === undefined || attempt >= hostSelectionAttempts || !tried?.(host)) return host;",
    "const host = this.#pick(level, 0, attempt);\n      return host;",
  ),
  subset("one key is enough", "Object.entries(wanted).every(", "Object.entries(wanted).some("),
  subset(
    "a route's keys stand in its own order",
    "Object.keys(asked).sort()",
    "Object.keys(asked)",
  ),
  hosts("an update makes new hosts", "known ?? this.#makeHost", "this.#makeHost"),
  hosts("an update forgets the weight", "host.weight = endpoint.weight;", ""),
  breakers(
    "a limit is one too high",
    "this.#active[resource] < this",
    "this.#active[resource] <= this",
  ),
  breakers(
    "what waits has no budget",
    "this.#active.requests + this.#active.pending",
    "this.#active.requests",
  ),
  breakers("a quiet service cannot retry", "Math.max(share, retryBudget.retriesMin)", "share"),
  cluster("a change is not noticed", "this.#balancer = undefined;", ""),
  cluster(
    "who gave up blames the host",
    'if (outcome === "cancelled") return;',
    'if (outcome === "cancelled") outcome = 500;',
  ),
  rates("the deviation is a sample's", "** 2, 0) / rates.length", "** 2, 0) / (rates.length - 1)"),
  rates("an interval never ends", "this.#total = 0;\n    this.#successes = 0;", ""),
  detector("on the line is below it", "rate < line.threshold", "rate <= line.threshold"),
  detector(
    "a percentage must be exceeded",
    "failures >= config.failure",
    "failures > config.failure",
  ),
  detector("the volume must be exceeded", "volume >= volume", "volume > volume"),
  detector("one host too many is out", "(this.numbers.active + 1)) /", "this.numbers.active) /"),
  detector("one is always out", "alwaysEjectsOneHost && this", "this"),
  detector("what is prevented is not counted", "this.numbers.overflow++;", ""),
  detector(
    "who is out is judged",
    "!monitor.host.isEjected && monitor[origin].volume > 0",
    "monitor[origin].volume > 0",
  ),
  detector(
    "who is found twice is ejected twice",
    "this.numbers.detected[kind]++;\n    if (monitor.host.isEjected) return;",
    "this.numbers.detected[kind]++;",
  ),
  detector(
    "a success does not end a run of 5xx",
    "monitor.consecutive5xx = 0;\n      monitor.consecutiveGateway",
    "monitor.consecutiveGateway",
  ),
  detector(
    "a 500 is a gateway failure",
    "status < 502 || status > 504",
    "status < 500 || status > 504",
  ),
  detector("600 is a failure", "status >= 500 && status < 600", "status >= 500"),
  detector(
    "a found run goes on",
    'case "consecutive-5xx":\n        monitor.consecutive5xx = 0;',
    'case "consecutive-5xx":',
  ),
  detector("ejections are all alike", "baseEjectionTimeMs * backoff", "baseEjectionTimeMs"),
  detector(
    "an ejection has no maximum",
    "Math.min(baseEjectionTimeMs * backoff, ejectionTimeMsMax)",
    "baseEjectionTimeMs * backoff",
  ),
  detector(
    "a backoff rises for ever",
    "monitor.backoff * baseEjectionTimeMs < ejectionTimeMsMax + baseEjectionTimeMs",
    "true",
  ),
  detector(
    "the sweep of the return is quiet",
    "nowMs - returnedAtMs >= this.#config.intervalMs",
    "returnedAtMs < Infinity",
  ),
  detector("a backoff never sinks", "if (isQuiet && monitor.backoff > 0) monitor.backoff--;", ""),
  detector("all return at once", "ejectionTimeMsMax) + jitterMs", "ejectionTimeMsMax)"),
  detector("who left is still out", "if (host.isEjected) this.numbers.active--;", ""),
  detector(
    "a health check takes back the unhealthy",
    "host.isEjected && host.isHealthy",
    "host.isEjected",
  ),
  detector(
    "a broken connection is the server's",
    "return this.#countLocal(monitor, false);",
    "return this.#countStatus(monitor, 503);",
  ),
  kinds(
    "half a request is a whole one",
    'case "connected":\n      return undefined;',
    'case "connected":\n      return 200;',
  ),
  monitor(
    "who returns remembers",
    "this.consecutive5xx = 0;\n    this.consecutiveGatewayFailure = 0;",
    "",
  ),
  health(
    "the first success is one of many",
    "this.#isFirst || ++this.#successes",
    "++this.#successes",
  ),
  health("any success is enough", ">= config.healthyThreshold", ">= 1"),
  health(
    "a failure does not end a run of successes",
    "this.#successes = 0;\n    if (this.#isHealthy &&",
    "if (this.#isHealthy &&",
  ),
  health("a late probe is heard", "if (this.#running !== running) return;", ""),
  health(
    "a timeout stays behind",
    "this.#running = undefined;\n      this.#timer?.[Symbol.dispose]();",
    "this.#running = undefined;",
  ),
];
