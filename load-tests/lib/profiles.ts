// How much load, for how long: the usual four shapes.
//
// All are open loops: arrivals come at their rate whether or not earlier ones were answered. A
// closed loop (so many users, each waiting for an answer) sends less to a slow server, and hides
// the very overload that a test should find. k6 needs a free VU for each arrival and drops it where
// there is none, so there are enough for every request to take its whole timeout (Little's law:
// in flight = rate × time), and a dropped arrival fails the run.
import type { RampingArrivalRateScenario, Stage } from "k6/options";

/** A shape of load and what must hold under it. */
export interface Profile {
  /** Requests a second over all routes at the start. */
  startRate: number;
  /** Each changes the rate to `target` requests a second, evenly over its duration. */
  stages: Stage[];
  /** 95th percentile, in ms, of the time to an answer. */
  p95Ms: { notes: number; preview: number };
  /** The share of requests that may go without a 200. */
  failedShareMax: number;
  /** The share of previews that must name the page; the others are a bare link. */
  titledShareMin: number;
}

const USUAL = { p95Ms: { notes: 250, preview: 500 }, failedShareMax: 0.01, titledShareMin: 0.99 };
const STRAINED = {
  p95Ms: { notes: 1_000, preview: 1_500 },
  failedShareMax: 0.05,
  titledShareMin: 0,
};

const PROFILES: Record<string, Profile> = {
  // Does it work at all?
  smoke: { ...USUAL, startRate: 20, stages: [{ target: 20, duration: "5s" }] },
  // A usual day.
  average: {
    ...USUAL,
    startRate: 10,
    stages: [
      { target: 100, duration: "10s" },
      { target: 100, duration: "40s" },
      { target: 10, duration: "10s" },
    ],
  },
  // More and more: what gives way first, and does it recover?
  stress: {
    ...STRAINED,
    startRate: 100,
    stages: [
      { target: 400, duration: "10s" },
      { target: 400, duration: "10s" },
      { target: 800, duration: "10s" },
      { target: 800, duration: "10s" },
      { target: 100, duration: "10s" },
    ],
  },
  // An episode has just come out.
  spike: {
    ...STRAINED,
    startRate: 20,
    stages: [
      { target: 20, duration: "5s" },
      { target: 500, duration: "2s" },
      { target: 500, duration: "8s" },
      { target: 20, duration: "2s" },
      { target: 20, duration: "8s" },
    ],
  },
};

/** The profile that `-e PROFILE=…` names; smoke without it. Throws a RangeError for another. */
export function chosenProfile(): Profile {
  const { PROFILE = "smoke" } = __ENV;
  const profile = PROFILES[PROFILE];
  if (profile !== undefined) return profile;
  const known = Object.keys(PROFILES).join(", ");
  throw new RangeError(`PROFILE must be one of ${known}, got "${PROFILE}"`);
}

/** One route's share of a profile, carried out by the script's function `exec`. */
export function arrivals(
  profile: Profile,
  exec: string,
  share: number,
  timeoutMs: number,
): RampingArrivalRateScenario {
  const { startRate, stages } = profile;
  // k6 takes whole numbers only: a tenth of a request a second is ten in a hundred seconds.
  const timeUnit = "100s";
  const shared = (rate: number) => Math.round(rate * share * 100);
  const rateMax = Math.max(startRate, ...stages.map(({ target }) => target));
  return {
    executor: "ramping-arrival-rate",
    exec,
    timeUnit,
    startRate: shared(startRate),
    stages: stages.map(({ target, duration }) => ({ target: shared(target), duration })),
    preAllocatedVUs: Math.ceil((rateMax * share * timeoutMs) / 1_000) + 1,
    gracefulStop: `${timeoutMs}ms`,
  };
}
