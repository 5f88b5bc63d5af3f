// How families of metrics are written down here: a row says type, name, help and Envoy's name, and
// a function reads the number of one object. Labels are the object's name and closed sets of words.
import type { HistogramSnapshot } from "@compendium/metrics";
import type { SidecarFamily } from "./readings.ts";

/** Our name has "sidecar_" in front of it; Envoy's has the values of labels in braces. */
export type Row = readonly [type: SidecarFamily["type"], name: string, help: string, envoy: string];

type Labels = Readonly<Record<string, readonly string[]>>;
type Emit = (value: number | HistogramSnapshot, labels: Record<string, string>) => void;

/** Families that have a series, or some, for each of these objects. */
export class FamilyList<T extends { readonly name: string }> {
  readonly families: SidecarFamily[] = [];
  readonly #label: string;
  readonly #objects: readonly T[];

  /** @param label what the objects' names are called in the labels */
  constructor(label: string, objects: readonly T[]) {
    this.#label = label;
    this.#objects = objects;
  }

  /** One series for each object that has the number. */
  add(row: Row, read: (object: T) => number | HistogramSnapshot | undefined): void {
    this.addSeries(row, {}, (object, emit) => {
      const value = read(object);
      if (value !== undefined) emit(value, {});
    });
  }

  /** One series for each object that has the numbers, and for each word. */
  addBy<V extends string>(
    row: Row,
    label: string,
    words: readonly V[],
    read: (object: T) => Readonly<Record<V, number>> | undefined,
  ): void {
    this.addSeries(row, { [label]: words }, (object, emit) => {
      const numbers = read(object);
      if (numbers === undefined) return;
      for (const word of words) emit(numbers[word], { [label]: word });
    });
  }

  /** Whatever `collect` tells of each object. */
  addSeries(row: Row, labels: Labels, collect: (object: T, emit: Emit) => void): void {
    const objects = this.#objects;
    const label = this.#label;
    // No object, no series: and a label without values is no label.
    if (Object.values(labels).some((words) => words.length === 0)) return;
    this.families.push({
      ...headOf(row),
      labels: { [label]: objects.map(({ name }) => name), ...labels },
      collect: (emit) => {
        for (const object of objects) {
          collect(object, (value, more) => emit(value, { [label]: object.name, ...more }));
        }
      },
    });
  }
}

/** A family with one series, or one for each word that is read. */
export function familyOf(
  row: Row,
  read: () => number | Readonly<Record<string, number>>,
  label = "",
): SidecarFamily {
  const first = read();
  if (typeof first === "number") {
    return { ...headOf(row), collect: (emit) => emit(read() as number) };
  }
  const words = Object.keys(first);
  return {
    ...headOf(row),
    labels: { [label]: words },
    collect: (emit) => {
      const numbers = read() as Readonly<Record<string, number>>;
      for (const word of words) emit(numbers[word] ?? 0, { [label]: word });
    },
  };
}

/** The beginning of a family. */
export function headOf([type, name, help, envoy]: Row): Omit<SidecarFamily, "collect"> {
  return { type, name: `sidecar_${name}`, help, envoy };
}
