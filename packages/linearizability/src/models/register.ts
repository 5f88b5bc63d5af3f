// A register: one value, read, written, or compared and set. Several registers under keys are
// several objects.
import { type Model, UNKNOWN } from "../model.ts";
import { foreseeLastVisits } from "./last-visits.ts";
import { show, UNOBSERVED, type Value } from "./values.ts";

/** What a register is asked. */
export type RegisterInput =
  | { readonly f: "read"; readonly key?: string | undefined }
  | { readonly f: "write"; readonly value: Value; readonly key?: string | undefined }
  | {
      readonly f: "cas";
      readonly from: Value;
      readonly to: Value;
      readonly key?: string | undefined;
    };

/** What was read; for `cas`, whether the value was as compared; nothing for `write`. */
export type RegisterOutput = Value | undefined;

/** A register's value; or that it has one which no answer shows. */
export type RegisterState = Value | typeof UNOBSERVED;

/** A register, or one for each key, with `initial` (default `null`) before the first write. */
export function registerModel(
  options: { readonly initial?: Value } = {},
): Model<RegisterState, RegisterInput, RegisterOutput> {
  const { initial = null } = options;
  return {
    name: "register",
    init: () => initial,
    partition: (input) => input.key ?? "",
    isRead: (input, output) => input.f === "read" || (input.f === "cas" && output === false),
    step(value, input, output) {
      switch (input.f) {
        case "read":
          return output === UNKNOWN || output === value ? value : undefined;
        case "write":
          return input.value;
        case "cas": {
          const matches = value === input.from;
          if (output !== UNKNOWN && output !== matches) return undefined;
          return matches ? input.to : value;
        }
      }
    },
    foresee: (operations) => {
      const observed = new Set<RegisterState>();
      for (const { input, output, return: returned } of operations) {
        if (input.f === "read" && returned !== undefined) observed.add(output as Value);
        if (input.f === "cas") observed.add(input.from);
      }
      const returnsTo = foreseeLastVisits(operations, initial);
      return (before, after, { return: now }) => {
        if (before !== after && returnsTo(before, now as number)) return undefined;
        return observed.has(after) ? after : UNOBSERVED;
      };
    },
    describe(input, output) {
      const known = output !== UNKNOWN;
      if (input.f === "read") return known ? `read ${show(output ?? null)}` : "read";
      if (input.f === "write") return `write ${show(input.value)}`;
      const asked = `cas ${show(input.from)} → ${show(input.to)}`;
      return known ? `${asked}: ${output}` : asked;
    },
    describeState: (value) => (value === UNOBSERVED ? "unobserved" : show(value)),
  };
}
