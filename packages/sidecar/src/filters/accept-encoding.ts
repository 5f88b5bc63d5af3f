// Accept-Encoding (RFC 9110 §12.5.3): which content codings a client takes, and which it prefers.
//
//     Accept-Encoding: br, gzip;q=0.8, *;q=0.1
//
// A coding that is not named has the weight of "*"; without one it is not taken. No coding at all
// ("identity") is always taken unless its own weight, or that of "*", is 0; it is preferred only to
// what weighs less than it was said to. An element that is not of the grammar is passed over.

const WEIGHT = /0(?:\.\d{0,3})?|1(?:\.0{0,3})?/.source;
const CODING = /[!#$%&'*+\-.^_`|~\w]+/.source;
const ELEMENT = new RegExp(`^\\s*(${CODING})\\s*(?:;\\s*q=(${WEIGHT})\\s*)?$`, "i");

/** Whether gzip is taken, and not liked less than no coding. Without the field it is not. */
export function acceptsGzip(value: string | undefined): boolean {
  if (value === undefined) return false;
  let gzip: number | undefined;
  let identity: number | undefined;
  let star: number | undefined;
  for (const element of value.split(",")) {
    const match = ELEMENT.exec(element);
    if (match === null) continue;
    const weight = match[2] === undefined ? 1 : Number(match[2]);
    switch (match[1]!.toLowerCase()) {
      // Two names of one coding (§8.4.1.3).
      case "gzip":
      case "x-gzip":
        gzip ??= weight;
        break;
      case "identity":
        identity ??= weight;
        break;
      case "*":
        star ??= weight;
        break;
    }
  }
  const taken = gzip ?? star ?? 0;
  return taken > 0 && taken >= (identity ?? star ?? 0);
}
