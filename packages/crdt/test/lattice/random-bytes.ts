// Random bytes in a right frame, so that the check does not refuse them: the decoder must.
import { SeededRandom } from "@compendium/runtime";
import { frameOf } from "../../src/encoding/frame.ts";
import type { Subject } from "./case.ts";

/** Whether the bytes of this seed are a state; throws when they are not refused as they must be. */
export function checkRandomBytes(subject: Subject, seed: number): boolean {
  const random = new SeededRandom(seed);
  // Mostly small numbers: they get further.
  const body = Uint8Array.from({ length: random.below(24) }, () =>
    random.below(random.below(3) === 0 ? 256 : 4),
  );
  const tag = 1 + random.below(15);
  const bytes = frameOf(tag, body);
  const { Delta, TreeDelta } = subject;
  let again: Uint8Array;
  try {
    again = tag === 15 ? TreeDelta.decode(bytes).encode() : Delta.decode(bytes).encode();
  } catch (error) {
    if (error instanceof subject.CrdtError) return false;
    throw error;
  }
  if (Buffer.compare(again, bytes) !== 0) throw new Error("read, but written otherwise");
  return true;
}
