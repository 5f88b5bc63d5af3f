// The balancer of a set of hosts: it draws a priority level by its load, and asks the picker of
// that level (Envoy's load_balancer_impl.cc and thread_aware_lb_impl.cc). A host that this request
// has tried already is turned down, and the draw repeated, as often as the route allows.
//
// It is a picture of the moment in which it was made; when a host changes its standing, the cluster
// makes another one. Making it counts hosts; the picker of a level is made when the level is first
// drawn, so that a table is never filled for a level that gets nothing.
import type { Host } from "../cluster/host.ts";
import { isAvailable } from "../cluster/host.ts";
import type { HostGroup } from "../cluster/host-set.ts";
import type { Balancer, ChooseContext, HostPicker, RequestHash } from "./balancer.ts";
import { type BalanceSettings, goesByHash, makeLevelPicker } from "./level.ts";
import { distributeLoad } from "./priorities.ts";

/** How often something unusual decided. */
export interface BalanceNumbers {
  /** Choices among all hosts of a level, whatever their standing. */
  panics: number;
  /** Choices for which no subset was found. */
  subsetFallbacks: number;
}

interface Level {
  readonly groups: readonly HostGroup[];
  readonly isPanic: boolean;
  // Invariant: the loads of all levels up to this one; the last is 100.
  readonly loadUpTo: number;
  // Made when first asked; `undefined` inside means that there is no host.
  made: { readonly picker: HostPicker | undefined } | undefined;
}

const HASHES = 2 ** 53;

/** Chooses among hosts by priority, locality and algorithm. */
export class PriorityBalancer implements Balancer {
  readonly #settings: BalanceSettings;
  readonly #numbers: BalanceNumbers;
  readonly #goesByHash: boolean;
  // Levels that get any load.
  readonly #levels: readonly Level[];

  constructor(groups: readonly HostGroup[], settings: BalanceSettings, numbers: BalanceNumbers) {
    this.#settings = settings;
    this.#numbers = numbers;
    this.#goesByHash = goesByHash(settings.balancer);
    this.#levels = makeLevels(groups, settings);
  }

  choose(context: ChooseContext): Host | undefined {
    if (this.#levels.length === 0) return undefined;
    return this.#goesByHash ? this.#chooseByHash(context) : this.#chooseByTurn(context);
  }

  // The hash decides about the level too: a key must not move between levels from call to call.
  #chooseByHash(context: ChooseContext): Host | undefined {
    const hash = context.hash ?? this.#settings.random.below(HASHES);
    const { tried, hostSelectionAttempts = 0 } = context;
    const level = this.#levelFor(hash);
    for (let attempt = 0; ; attempt++) {
      const host = this.#pick(level, hash, attempt);
      if (host === undefined || attempt >= hostSelectionAttempts || !tried?.(host)) return host;
    }
  }

  #chooseByTurn({ tried, hostSelectionAttempts = 0 }: ChooseContext): Host | undefined {
    for (let attempt = 0; ; attempt++) {
      const isSole = this.#levels.length === 1;
      const level = isSole ? this.#levels[0]! : this.#levelFor(this.#settings.random.below(100));
      const host = this.#pick(level, 0, attempt);
      if (host === undefined || attempt >= hostSelectionAttempts || !tried?.(host)) return host;
    }
  }

  #levelFor(hash: RequestHash): Level {
    const levels = this.#levels;
    if (levels.length === 1) return levels[0]!;
    const point = typeof hash === "number" ? hash % 100 : Number(BigInt.asUintN(64, hash) % 100n);
    let index = 0;
    while (point >= levels[index]!.loadUpTo) index++;
    return levels[index]!;
  }

  #pick(level: Level, hash: RequestHash, attempt: number): Host | undefined {
    level.made ??= { picker: makeLevelPicker(level.groups, level.isPanic, this.#settings) };
    if (level.isPanic) this.#numbers.panics++;
    return level.made.picker?.pick(hash, attempt);
  }
}

function makeLevels(groups: readonly HostGroup[], settings: BalanceSettings): Level[] {
  const byPriority = new Map<number, HostGroup[]>();
  for (const group of groups) {
    const level = byPriority.get(group.priority);
    if (level === undefined) byPriority.set(group.priority, [group]);
    else level.push(group);
  }
  if (byPriority.size === 0) return [];
  const ordered = [...byPriority].sort(([a], [b]) => a - b).map(([, level]) => level);
  const { loads, panics } = distributeLoad(ordered.map(countHosts), settings);
  let loadUpTo = 0;
  const levels = ordered.map((level, i): Level => {
    loadUpTo += loads[i]!;
    return { groups: level, isPanic: panics[i]!, loadUpTo, made: undefined };
  });
  return levels.filter((_, i) => loads[i]! > 0);
}

function countHosts(groups: readonly HostGroup[]): { hosts: number; available: number } {
  let hosts = 0;
  let available = 0;
  for (const group of groups) {
    hosts += group.hosts.length;
    for (const host of group.hosts) if (isAvailable(host)) available++;
  }
  return { hosts, available };
}
