// What the options of this package have in common: whole numbers with a least value.

/** @throws RangeError unless the value is an integer of at least `least` */
export function atLeast(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(`${name} must be an integer of at least ${least}, got ${value}`);
}
