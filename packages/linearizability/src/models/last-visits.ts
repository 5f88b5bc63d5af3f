// Values that come only once. Where a single operation makes a value (or it was there at first),
// the value is gone for good when it is left; so it cannot be left while somebody is still to see
// it who has not even called. Reads that have called saw it on arrival.
//
// With unique values this settles the order of concurrent writes at once: of two, the one whose
// value is read later comes later. Without it, the search would find out only when that read
// returns.
import type { Foreseen } from "../model.ts";
import type { Value } from "./values.ts";

/** What registers and maps have in common. */
export type ValueInput =
  | { readonly f: "read" | "get" | "delete" }
  | { readonly f: "write" | "put" | "append"; readonly value: Value }
  | { readonly f: "cas"; readonly from: Value; readonly to: Value };

/** Whether a value that comes only once is seen by an operation called after a given moment. */
export function foreseeLastVisits(
  operations: readonly Foreseen<ValueInput, unknown>[],
  initial: Value,
): (value: unknown, now: number) => boolean {
  const makers = new Map<unknown, number>([[initial, 1]]);
  const lastCall = new Map<unknown, number>();
  for (const { input, output, call, required } of operations) {
    const made = makes(input, initial);
    if (made !== undefined) makers.set(made, (makers.get(made) ?? 0) + 1);
    const seen = input.f === "cas" && output === true ? input.from : output;
    const sees = input.f === "read" || input.f === "get" || (input.f === "cas" && output === true);
    if (!required || !sees) continue;
    lastCall.set(seen, Math.max(lastCall.get(seen) ?? call, call));
  }
  return (value, now) => makers.get(value) === 1 && (lastCall.get(value) ?? now) > now;
}

function makes(input: ValueInput, absent: Value): Value | undefined {
  if (input.f === "cas") return input.to;
  if (input.f === "delete") return absent;
  return input.f === "write" || input.f === "put" ? input.value : undefined;
}
