// Who hears whom, how late, and how often. Every ordered pair of nodes has a path of its own, with
// its own chance and its own troubles: real networks fail in one direction, and for some (A.
// Alquraan et al., "An Analysis of Network-Partitioning Failures in Cloud Systems", OSDI 2018).
//
// A cut holds for what is already on its way, too: once a cut is there, nothing arrives until it is
// gone. That is harder on a protocol than letting the last messages through, and easier to reason
// about.

import { chance, type Random } from "@compendium/runtime";
import type { RangeUs } from "../disk/simulated-disk.ts";
import { streamOf } from "../trace.ts";

/** What kind of network it is, when no fault befalls it. */
export interface NetworkOptions {
  /** How long a message takes. Default 100 to 1,000. */
  delayUs?: RangeUs;
  /** Of a thousand messages, how many take twenty times as long. Default 5. */
  stragglersPer1000?: number;
  /** Of a thousand datagrams, how many are lost; on a link they come late. Default 5. */
  lossPer1000?: number;
  /** Of a thousand datagrams, how many arrive twice. Default 5. */
  duplicatesPer1000?: number;
  /** Datagrams from one node to another keep their order. Default false. */
  fifo?: boolean;
  /** Datagrams on their way from one node to another; more are lost. Default 10,000. */
  inFlightMax?: number;
  /** The largest message of a link. Default 4 MiB. */
  messageBytesMax?: number;
  /** Bytes that wait to be sent on a link before it is full. Default 16 MiB. */
  queueBytesMax?: number;
  /** Bytes that wait to be iterated before the sender feels it. Default 4 MiB. */
  inboxBytesMax?: number;
  /** How long a link waits before it sends a lost message again. Default 200,000. */
  retransmitUs?: number;
  /** How long a link can be cut before it breaks, or an attempt to connect fails. Default 3 s. */
  breakAfterUs?: number;
  /** How long `close` tries to deliver what is queued. Default 1 s. */
  lingerUs?: number;
}

export const NETWORK_DEFAULTS: Required<NetworkOptions> = {
  delayUs: [100, 1_000],
  stragglersPer1000: 5,
  lossPer1000: 5,
  duplicatesPer1000: 5,
  fifo: false,
  inFlightMax: 10_000,
  messageBytesMax: 4 * 2 ** 20,
  queueBytesMax: 16 * 2 ** 20,
  inboxBytesMax: 4 * 2 ** 20,
  retransmitUs: 200_000,
  breakAfterUs: 3_000_000,
  lingerUs: 1_000_000,
};

const STRAGGLER_FACTOR = 20;

/** A spell of bad weather, on every path. */
export interface Weather {
  readonly lossPer1000: number;
  readonly duplicatesPer1000: number;
  readonly stragglersPer1000: number;
}

/** All paths of one world. */
export class Network {
  readonly options: Required<NetworkOptions>;
  readonly #seed: number;
  readonly #paths = new Map<string, Map<string, Path>>();
  #weather: Weather;

  constructor(seed: number, options: NetworkOptions = {}) {
    this.#seed = seed;
    this.options = { ...NETWORK_DEFAULTS, ...options };
    this.#weather = this.options;
  }

  get weather(): Weather {
    return this.#weather;
  }

  path(from: string, to: string): Path {
    let paths = this.#paths.get(from);
    if (paths === undefined) {
      paths = new Map();
      this.#paths.set(from, paths);
    }
    let path = paths.get(to);
    if (path === undefined) {
      path = new Path(this, streamOf(this.#seed, "network", from, to));
      paths.set(to, path);
    }
    return path;
  }

  /** Other weather than usual, or the usual again. */
  setWeather(weather: Weather | undefined): void {
    this.#weather = weather ?? this.options;
  }

  /** Every trouble ends, and nothing is lost, doubled or very late any more. */
  heal(): void {
    this.#weather = { lossPer1000: 0, duplicatesPer1000: 0, stragglersPer1000: 0 };
    for (const paths of this.#paths.values()) for (const path of paths.values()) path.heal();
  }
}

/** The way from one node to another; the way back is another path. */
export class Path {
  readonly #network: Network;
  readonly #random: Random;
  #cuts = 0;
  #slowness = 1;
  #lastArrivalUs = 0;
  /** Datagrams on their way. */
  inFlight = 0;

  constructor(network: Network, random: Random) {
    this.#network = network;
    this.#random = random;
  }

  /** Nothing arrives. */
  get isCut(): boolean {
    return this.#cuts > 0;
  }

  /** Adds a cut; several may hold at one time. */
  cut(): void {
    this.#cuts++;
  }

  mend(): void {
    this.#cuts = Math.max(0, this.#cuts - 1);
  }

  /** Everything takes that many times as long. */
  slowDown(factor: number): void {
    this.#slowness = factor;
  }

  heal(): void {
    this.#cuts = 0;
    this.#slowness = 1;
  }

  delayUs(): number {
    const [lowest, highest] = this.#network.options.delayUs;
    const us = lowest + this.#random.below(highest - lowest + 1);
    const straggles = chance(this.#random, this.#network.weather.stragglersPer1000, 1_000);
    return us * this.#slowness * (straggles ? STRAGGLER_FACTOR : 1);
  }

  isLost(): boolean {
    return chance(this.#random, this.#network.weather.lossPer1000, 1_000);
  }

  isDuplicated(): boolean {
    return chance(this.#random, this.#network.weather.duplicatesPer1000, 1_000);
  }

  /** When something that is sent now arrives; in order, where `fifo` asks for it. */
  arrivalUs(nowUs: number, fifo: boolean): number {
    const us = nowUs + this.delayUs();
    if (!fifo) return us;
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, us);
    return this.#lastArrivalUs;
  }

  /** Draws below n from the path's own chance. */
  below(n: number): number {
    return this.#random.below(n);
  }
}
