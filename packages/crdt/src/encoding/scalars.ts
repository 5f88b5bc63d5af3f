// JSON scalars on the wire: a byte that says what it is, and the rest. Whole numbers of up to 31
// bits are short; every value has one form, and -0 and the many ways of not being a number are no
// values.
import type { Scalar } from "../lattice/scalar.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

const NULL = 0;
const FALSE = 1;
const TRUE = 2;
const INTEGER = 3;
const DOUBLE = 4;
const STRING = 5;

// What a value takes in memory besides a string's units.
const BYTES_EACH = 16;

const double = new DataView(new ArrayBuffer(8));

/** Writes one. */
export function writeScalar(writer: ByteWriter, value: Scalar): void {
  if (value === null) {
    writer.byte(NULL);
  } else if (typeof value === "boolean") {
    writer.byte(value ? TRUE : FALSE);
  } else if (typeof value === "string") {
    writer.byte(STRING);
    writer.string(value);
  } else if (isShort(value)) {
    writer.byte(INTEGER);
    writer.signed(value);
  } else {
    writer.byte(DOUBLE);
    double.setFloat64(0, value, true);
    writer.word(double.getInt32(0, true));
    writer.word(double.getInt32(4, true));
  }
}

/** Reads one. */
export function readScalar(reader: ByteReader): Scalar {
  const kind = reader.byte();
  // The shortest takes a byte, which pays for ten.
  reader.charge(kind <= TRUE ? BYTES_EACH / 2 : BYTES_EACH);
  if (kind === NULL) return null;
  if (kind === FALSE || kind === TRUE) return kind === TRUE;
  if (kind === INTEGER) return reader.signed();
  if (kind === STRING) return reader.string(reader.left);
  if (kind !== DOUBLE) throw reader.corrupt(`a value of kind ${kind}`);
  for (const [at, byte] of reader.bytes(8).entries()) double.setUint8(at, byte);
  const value = double.getFloat64(0, true);
  const isOther = Object.is(value, -0) || isShort(value);
  const isPlainNaN = double.getUint32(4, true) === 0x7ff80000 && double.getUint32(0, true) === 0;
  if (isOther || (Number.isNaN(value) && !isPlainNaN)) throw reader.corrupt("a padded number");
  return value;
}

function isShort(value: number): boolean {
  return (value | 0) === value && value >= -(2 ** 30) && value < 2 ** 30;
}
