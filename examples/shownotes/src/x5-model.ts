// The registry as its clients think of it: one copy, one command at a time, no failures. What they
// saw is held against it, workspace by workspace and document by document.
//
// Left out: the end of a lease. When it ends is the log's time, which clients do not see; X5's
// leases outlast it. test/registry-state.test.ts is about ends.
import { type Model, UNKNOWN } from "@compendium/linearizability";
import type {
  RegistryAnswer,
  RegistryCommand,
  RegistryFound,
  RegistryQuery,
} from "./registry-commands.ts";

/** What a client asked. */
export type Asked = RegistryCommand | RegistryQuery;
/** What it was answered. */
export type Got = RegistryAnswer | RegistryFound;
type Seen = Got | typeof UNKNOWN;

/** The model. A state is JSON, so that equal ones are equal; at first it is empty. */
export function registryModel(): Model<string, Asked, Got> {
  return {
    name: "registry",
    init: () => "",
    partition: (asked) =>
      "workspace" in asked ? `seats ${asked.workspace}` : `lease ${asked.document}`,
    isRead: (asked, got) => "of" in asked || (got !== UNKNOWN && "ok" in got && !got.changed),
    step: (state, asked, got) =>
      "workspace" in asked ? stepSeats(state, asked, got) : stepLease(state, asked, got),
    describe: (asked, got) => {
      const { do: verb, of, ...rest } = asked as { do?: string; of?: string };
      const words = [verb ?? `read ${of}`, ...Object.values(rest)].join(" ");
      return got === UNKNOWN ? words : `${words}: ${JSON.stringify(got)}`;
    },
  };
}

interface SeatsState {
  paid: number;
  charges: string[];
  people: string[];
}

function stepSeats(
  state: string,
  asked: Asked & { workspace: string },
  got: Seen,
): string | undefined {
  const { paid, charges, people }: SeatsState =
    state === "" ? { paid: 0, charges: [], people: [] } : JSON.parse(state);
  if ("of" in asked) {
    const isRight = (found: RegistryFound) =>
      (found.paid ?? 0) === paid && String(found.people ?? []) === String(people);
    return got === UNKNOWN || isRight(got) ? state : undefined;
  }
  const answer = got as RegistryAnswer | typeof UNKNOWN;
  const become = (ok: boolean, next: SeatsState) => {
    const counts = [ok, next.paid, next.people.length];
    const isRight =
      answer === UNKNOWN || String([answer.ok, answer.paid, answer.taken]) === String(counts);
    if (!isRight) return undefined;
    const same = next.paid === paid && next.people.length === people.length;
    return same ? state : JSON.stringify(next);
  };
  switch (asked.do) {
    case "pay": {
      const next = [...charges, asked.charge].sort();
      if (charges.includes(asked.charge)) return become(true, { paid, charges, people });
      return become(true, { paid: paid + asked.seats, charges: next, people });
    }
    case "take": {
      const isSeated = people.includes(asked.person);
      if (!isSeated && people.length >= paid) return become(false, { paid, charges, people });
      const next = isSeated ? people : [...people, asked.person].sort();
      return become(true, { paid, charges, people: next });
    }
    case "free": {
      const next = people.filter((person) => person !== asked.person);
      return become(true, { paid, charges, people: next });
    }
    default:
      return undefined;
  }
}

interface LeaseState {
  holder: string;
  epoch: number;
  /** Whether that is the epoch, or one below it: nobody saw the answer that named it. */
  exact: boolean;
}

function stepLease(
  state: string,
  asked: Asked & { document: string },
  got: Seen,
): string | undefined {
  const now: LeaseState = state === "" ? { holder: "", epoch: 0, exact: true } : JSON.parse(state);
  const isEpoch = (epoch = 0) => (now.exact ? epoch === now.epoch : epoch > now.epoch);
  if ("of" in asked) {
    if (got === UNKNOWN) return state;
    const { holder = "", epoch } = got;
    return holder === now.holder && (holder === "" || isEpoch(epoch)) ? state : undefined;
  }
  const answer = got as RegistryAnswer | typeof UNKNOWN;
  switch (asked.do) {
    case "acquire": {
      const { holder } = asked;
      const isGranted = now.holder === "" || now.holder === holder;
      if (answer === UNKNOWN) {
        return isGranted ? JSON.stringify({ holder, epoch: now.epoch, exact: false }) : state;
      }
      if (answer.ok !== isGranted) return undefined;
      if (!isGranted) return answer.holder === now.holder ? state : undefined;
      // An epoch that is no higher than the last one fences nobody.
      const { epoch = 0 } = answer;
      if (epoch <= now.epoch) return undefined;
      return JSON.stringify({ holder, epoch, exact: true });
    }
    case "renew":
    case "release": {
      const isHeld = now.holder !== "" && isEpoch(asked.epoch);
      if (answer !== UNKNOWN && answer.ok !== isHeld) return undefined;
      if (!isHeld || asked.do === "renew") return state;
      return JSON.stringify({ holder: "", epoch: asked.epoch, exact: true });
    }
    default:
      return undefined;
  }
}
