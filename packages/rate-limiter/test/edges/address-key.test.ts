// Addresses as keys: who shares one, and who must not.
import { isIPv6 } from "node:net";
import { addressKey } from "@compendium/rate-limiter/http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["::FFFF:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["64:ff9b::192.0.2.33", "64:ff9b:0:0::/64"],
])("%s is counted as %s", (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test.each([
  [56, "2001:db8:1:200::/56"],
  [48, "2001:db8:1::/48"],
  [1, "0::/1"],
  [128, "2001:db8:1:2ff:3:4:5:6/128"],
])("a prefix of %i bits: %s", (ipv6PrefixBits, key) => {
  expect(addressKey("2001:db8:1:2ff:3:4:5:6", { ipv6PrefixBits })).toBe(key);
});

test.each([
  "a:b",
  "::1::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::8",
  "12345::",
  "g::",
])("what is no address stays as it is: %s", (text) => {
  expect([isIPv6(text), addressKey(text)]).toEqual([false, text]);
});

test.each([0, 129, 1.5, NaN])("a prefix of %d bits is refused", (ipv6PrefixBits) => {
  expect(() => addressKey("::1", { ipv6PrefixBits })).toThrow(RangeError);
});

describe("properties", () => {
  const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });

  test("two addresses share a key if, and only if, they share the prefix", () => {
    const near = fc.tuple(groups, fc.integer({ min: 0, max: 127 })).map(([a, bit]) => {
      const b = [...a];
      b[bit >> 4]! ^= 0x8000 >> (bit & 15);
      return { a, b, bit };
    });
    fc.assert(
      fc.property(near, fc.integer({ min: 1, max: 128 }), ({ a, b, bit }, ipv6PrefixBits) => {
        const [keyA, keyB] = [a, b].map((it) => addressKey(written(it), { ipv6PrefixBits }));
        expect(keyA === keyB).toBe(bit >= ipv6PrefixBits);
      }),
    );
  });

  test("however it is written, an address has one key", () => {
    const spelling = fc.record({ upper: fc.boolean(), padded: fc.boolean(), short: fc.boolean() });
    const sparse = fc.array(fc.constantFrom(0, 0, 0, 1, 0xabcd), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(sparse, spelling, (groups, { upper, padded, short }) => {
        const full = groups.map((it) => it.toString(16).padStart(padded ? 4 : 1, "0")).join(":");
        const text = short ? new URL(`http://[${full}]/`).hostname.slice(1, -1) : full;
        // Mapped addresses are IPv4 addresses, and have keys of their own.
        fc.pre(!text.toLowerCase().startsWith("::ffff:"));
        expect(addressKey(upper ? text.toUpperCase() : text)).toBe(addressKey(written(groups)));
      }),
    );
  });
});

const written = (groups: readonly number[]) => groups.map((it) => it.toString(16)).join(":");
