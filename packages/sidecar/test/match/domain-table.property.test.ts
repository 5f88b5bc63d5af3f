// Tries against the sentence that they make fast: exact, longest suffix, longest prefix, any.
import fc from "fast-check";
import { expect, test } from "vitest";
import { DomainTable } from "../../src/match/domain-table.ts";

const name = fc.stringMatching(/^[ab.-]{1,5}$/);
const domain = fc.oneof(
  name,
  name.map((text) => `*${text}`),
  name.map((text) => `${text}*`),
  fc.constant("*"),
);

function reference(domains: readonly string[], host: string): string | undefined {
  const longest = (kept: readonly string[]): string | undefined =>
    kept.toSorted((a, b) => b.length - a.length)[0];
  const wildcards = domains.filter((one) => one !== "*" && host.length >= one.length);
  const suffixes = wildcards.filter((one) => one.startsWith("*") && host.endsWith(one.slice(1)));
  const prefixes = wildcards.filter(
    (one) => one.endsWith("*") && host.startsWith(one.slice(0, -1)),
  );
  return (
    domains.find((one) => one === host) ??
    longest(suffixes) ??
    longest(prefixes) ??
    domains.find((one) => one === "*")
  );
}

test("a host is found where Envoy would find it", () => {
  fc.assert(
    fc.property(fc.uniqueArray(domain, { maxLength: 12 }), name, (domains, host) => {
      const table = new DomainTable<string>();
      for (const one of domains) table.add(one, one);
      expect(table.find(host)).toBe(reference(domains, host));
    }),
    { numRuns: 5000 },
  );
});
