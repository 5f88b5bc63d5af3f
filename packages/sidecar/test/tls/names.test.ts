import fc from "fast-check";
import { expect, test } from "vitest";
import { readAltNames } from "../../src/tls/alt-names.ts";
import { isSpiffeId, peerFault } from "../../src/tls/peer-names.ts";
import { certificateOf, generalName, namesTraps } from "./names-traps.ts";

const subject = { readAltNames, peerFault, isSpiffeId };

test.each(Object.entries(namesTraps))("%s", (_name, trap) => trap(subject));

test("each bit of a certificate may be flipped: names are read or refused", () => {
  const good = certificateOf("spiffe://a/b", "x.example");
  for (let bit = 0; bit < good.length * 8; bit++) {
    const flipped = Buffer.from(good);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const names = readAltNames(flipped);
    for (const name of [...(names?.uris ?? []), ...(names?.dnsNames ?? [])]) {
      expect(name).toMatch(/^[!-~]+$/);
    }
  }
});

test("whatever a name contains, it is read as itself or not at all", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 40, unit: "binary-ascii" }), (text) => {
      const names = readAltNames(certificateOf(generalName(0x86, text)));
      const isVisible = /^[!-~]+$/.test(text);
      expect(names).toEqual(isVisible ? { uris: [text], dnsNames: [] } : undefined);
    }),
    { numRuns: 200 },
  );
});
