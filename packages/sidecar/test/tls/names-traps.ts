// Names of certificates: what is read, what cannot be, and who is let in.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { PeerNameMatcher } from "../../src/config/listener-config.ts";
import type { AltNames } from "../../src/tls/alt-names.ts";
import { Authority } from "./files.ts";

export interface NamesSubject {
  readonly readAltNames: typeof import("../../src/tls/alt-names.ts").readAltNames;
  readonly peerFault: typeof import("../../src/tls/peer-names.ts").peerFault;
  readonly isSpiffeId: typeof import("../../src/tls/peer-names.ts").isSpiffeId;
}

const authority = new Authority("names");

/** The bytes of a certificate with these names. */
export function certificateOf(...names: readonly (string | Buffer)[]): Buffer {
  return new X509Certificate(authority.member("common.example", names).certificate).raw;
}

/** A GeneralName with any bytes. */
export function generalName(tag: number, content: string): Buffer {
  const bytes = Buffer.from(content, "latin1");
  return Buffer.concat([Buffer.of(tag, bytes.length), bytes]);
}

const exact = (kind: PeerNameMatcher["kind"], value: string): PeerNameMatcher => {
  return { kind, value: { kind: "exact", value, ignoreCase: false } };
};

const uris = (...all: readonly string[]): AltNames => ({ uris: all, dnsNames: [] });
const hosts = (...all: readonly string[]): AltNames => ({ uris: [], dnsNames: all });

export const namesTraps: Readonly<Record<string, (subject: NamesSubject) => void>> = {
  "RFC 5280 §4.2.1.6: URIs and DNS names are read, addresses are passed over": ({
    readAltNames,
  }) => {
    const names = readAltNames(certificateOf("spiffe://a/b", "x.example", "127.0.0.1", "*.y"));
    assert.deepEqual(names, { uris: ["spiffe://a/b"], dnsNames: ["x.example", "*.y"] });
  },
  "a certificate without names has none: its common name is not one": ({ readAltNames }) => {
    assert.deepEqual(readAltNames(certificateOf()), { uris: [], dnsNames: [] });
  },
  "CVE-2021-44532: a name with what separates names in a text stays one name": ({
    readAltNames,
  }) => {
    const hostile = generalName(0x86, "spiffe://evil/x,DNS:bank.example");
    assert.deepEqual(readAltNames(certificateOf(hostile))?.dnsNames, []);
    const quoted = generalName(0x82, 'evil.example",URI:"spiffe://a/b');
    assert.deepEqual(readAltNames(certificateOf(quoted))?.uris, []);
  },
  "a name with a zero byte, a space, a line's end or a letter beyond ASCII is refused with all": ({
    readAltNames,
  }) => {
    for (const text of ["a.example\0.evil", "a b", "a\r\nb", "\xe4.example", ""]) {
      for (const tag of [0x82, 0x86]) {
        const names = certificateOf("good.example", generalName(tag, text));
        assert.equal(readAltNames(names), undefined, JSON.stringify(text));
      }
    }
  },
  "bytes that are no DER to the end are refused": ({ readAltNames }) => {
    const good = certificateOf("spiffe://a/b");
    for (let end = 0; end < good.length; end++) {
      assert.equal(readAltNames(good.subarray(0, end)), undefined);
    }
    assert.equal(readAltNames(Buffer.concat([good, Buffer.of(0)])), undefined);
  },
  "X.690 §10.1: a length in more bytes than it needs is refused": ({ readAltNames }) => {
    const name = Buffer.concat([Buffer.of(0x86, 0x81, 12), Buffer.from("spiffe://a/b")]);
    assert.equal(readAltNames(certificateOf(name)), undefined);
  },
  "X509-SVID §2: exactly one URI": ({ peerFault }) => {
    assert.equal(peerFault(uris("spiffe://a/b"), false, []), undefined);
    assert.equal(peerFault(uris("spiffe://a/b", "spiffe://a/c"), false, []), "spiffe-id");
    assert.equal(peerFault(uris("https://a", "SPIFFE://a/c"), false, []), "spiffe-id");
    assert.equal(peerFault(uris("https://a", "https://b"), false, []), undefined);
  },
  "X509-SVID §4: an authority's certificate is no workload's": ({ peerFault }) => {
    assert.equal(peerFault(uris("spiffe://a/b"), true, []), "spiffe-id");
    assert.equal(peerFault(hosts("a.example"), true, []), undefined);
  },
  "SPIFFE-ID §2: one form of an id": ({ isSpiffeId }) => {
    for (const id of ["spiffe://a", "spiffe://a.b_c-d/e/F.g"]) assert.ok(isSpiffeId(id), id);
    const wrong = ["spiffe:a", "spiffe://", "spiffe://A/b", "spiffe://a/", "spiffe://a//b"];
    wrong.push(
      "spiffe://a/./b",
      "spiffe://a/..",
      "spiffe://a/b?c",
      "spiffe://a/b#c",
      "spiffe://u@a/b",
    );
    wrong.push("spiffe://a:1/b", "spiffe://a/%62", `spiffe://a/${"b".repeat(2_048)}`, "Spiffe://a");
    for (const id of wrong) assert.ok(!isSpiffeId(id), id);
  },
  "a name is looked for among those of its kind": ({ peerFault }) => {
    const both: AltNames = { uris: ["spiffe://a/b"], dnsNames: ["x.example"] };
    assert.equal(peerFault(both, false, [exact("uri", "spiffe://a/b")]), undefined);
    assert.equal(peerFault(both, false, [exact("dns", "x.example")]), undefined);
    assert.equal(peerFault(both, false, [exact("uri", "x.example")]), "name");
    assert.equal(peerFault(both, false, [exact("dns", "spiffe://a/b")]), "name");
    assert.equal(peerFault(both, false, [exact("any", "x.example")]), undefined);
    assert.equal(
      peerFault(both, false, [exact("uri", "n"), exact("any", "spiffe://a/b")]),
      undefined,
    );
    assert.equal(peerFault(hosts(), false, [exact("any", "x.example")]), "name");
  },
  "RFC 6125 §6.4.3: a wildcard of the certificate is one label, the leftmost": ({ peerFault }) => {
    const asks = (name: string): unknown => {
      return peerFault(hosts("*.a.example"), false, [exact("dns", name)]);
    };
    assert.equal(asks("b.a.example"), undefined);
    assert.equal(asks("c.b.a.example"), "name");
    assert.equal(asks("a.example"), "name");
    assert.equal(asks(".a.example"), "name");
    assert.equal(peerFault(hosts("*.example"), false, [exact("dns", "a.example")]), "name");
    assert.equal(peerFault(hosts("*.a.example"), false, [exact("any", "b.a.example")]), "name");
  },
};
