// The shapes that most families of a member have: one number, or one for each word of a closed set.
import type { Family, HistogramSnapshot } from "@compendium/metrics";

type Head = Pick<Family, "name" | "help">;

/** One number that moves; undefined where there is nothing to be said. */
export function gauge(
  name: string,
  { help, read }: { help: string; read: () => number | undefined },
): Family {
  return {
    name,
    type: "gauge",
    help,
    collect: (emit) => {
      const value = read();
      if (value !== undefined) emit(value);
    },
  };
}

/** One number that only grows. */
export function counter(
  name: string,
  { help, read }: { help: string; read: () => number },
): Family {
  return { name, type: "counter", help, collect: (emit) => emit(read()) };
}

/** One distribution. */
export function histogram(
  name: string,
  { help, read }: { help: string; read: () => HistogramSnapshot },
): Family {
  return { name, type: "histogram", help, collect: (emit) => emit(read()) };
}

/** A number that only grows for each word of a closed set. */
export function counterBy<V extends string>(
  { name, help }: Head,
  label: string,
  { values, read }: { values: readonly V[]; read: () => Readonly<Record<V, number>> },
): Family {
  return {
    name,
    type: "counter",
    help,
    labels: { [label]: values },
    collect: (emit) => {
      const numbers = read();
      for (const value of values) emit(numbers[value], { [label]: value });
    },
  };
}
