// Faults on purpose (envoy.filters.http.fault): what a caller does with a slow or a failing service
// is found out by day, with a dial, or by night, without. A request may be delayed, and then go on;
// or be refused, at once or after its delay. The two are drawn apart.
//
// A delay holds the request and a timer, and ends when the client goes away. `activeMax` bounds how
// many requests with a fault there are at a time; those beyond it go on untouched, and are counted.
import type { Clock, Random } from "@compendium/runtime";
import type { FaultConfig } from "../config/filter-config.ts";
import { matchesHeader } from "../match/header-matcher.ts";
import type { LocalReply } from "../router/local-reply.ts";
import { happens } from "./fraction.ts";
import type { FilteredRequest, HttpFilter, Verdict } from "./http-filter.ts";

/** What a fault filter is made of. */
export interface FaultOptions {
  readonly config: FaultConfig;
  readonly clock: Pick<Clock, "now" | "setTimer">;
  readonly random: Random;
}

/** Delays, and refuses, some requests. */
export class FaultFilter implements HttpFilter {
  readonly kind = "fault";
  readonly name: string;
  /** `activeFaults` are those that have a fault and have not ended. */
  readonly numbers: {
    delaysInjected: number;
    abortsInjected: number;
    faultsOverflow: number;
    activeFaults: number;
  } = {
    delaysInjected: 0,
    abortsInjected: 0,
    faultsOverflow: 0,
    activeFaults: 0,
  };
  readonly #config: FaultConfig;
  readonly #clock: Pick<Clock, "now" | "setTimer">;
  readonly #random: Random;
  readonly #abort: LocalReply | undefined;

  constructor({ config, clock, random }: FaultOptions) {
    this.name = config.name;
    this.#config = config;
    this.#clock = clock;
    this.#random = random;
    this.#abort = config.abort && {
      status: config.abort.status,
      text: "fault filter abort",
      flag: "FI",
      details: "fault_filter_abort",
      ...(config.abort.grpcStatus !== undefined && { grpcStatus: config.abort.grpcStatus }),
    };
  }

  onRequest(request: FilteredRequest): Verdict {
    const { delay, headers, activeMax } = this.#config;
    for (const matcher of headers) if (!matchesHeader(matcher, request.head)) return undefined;
    if (this.numbers.activeFaults >= activeMax) {
      this.numbers.faultsOverflow++;
      return undefined;
    }
    if (delay !== undefined && happens(delay.fraction, this.#random)) {
      return this.#delay(request, delay.ms);
    }
    const aborted = this.#aborted();
    if (aborted !== undefined) this.#begin(request);
    return aborted;
  }

  #delay(request: FilteredRequest, delayMs: number): Verdict {
    this.#begin(request);
    this.numbers.delaysInjected++;
    request.info.flags.add("DI");
    return {
      kind: "wait",
      start: (resume) => {
        const atMs = this.#clock.now() + delayMs;
        return this.#clock.setTimer(atMs, () => resume(this.#aborted()));
      },
    };
  }

  #aborted(): Verdict {
    const { abort } = this.#config;
    if (abort === undefined || !happens(abort.fraction, this.#random)) return undefined;
    this.numbers.abortsInjected++;
    return { kind: "reply", reply: this.#abort! };
  }

  // A fault is active until its request ends, as in Envoy: an abort must be sent as well.
  #begin(request: FilteredRequest): void {
    this.numbers.activeFaults++;
    request.onEnd(() => {
      this.numbers.activeFaults--;
    });
  }
}
