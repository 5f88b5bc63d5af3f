// What must hold of cross-origin requests, as sentences. They are run on the sources, and on copies
// of them with planted bugs.
import assert from "node:assert/strict";
import type { CorsConfig } from "../../src/config/filter-config.ts";
import { Pattern } from "../../src/config/pattern.ts";
import { answered, ask, replyOf } from "./harness.ts";
import type { FilterSubject } from "./subject.ts";

const exactly = (value: string) => ({ kind: "exact", value, ignoreCase: false }) as const;

function corsConfig(more: Partial<CorsConfig> = {}): CorsConfig {
  return {
    kind: "cors",
    name: "cors",
    origins: [exactly("https://a.example")],
    methods: "GET, PUT",
    headers: "x-one",
    exposeHeaders: "x-two",
    maxAge: "600",
    credentials: true,
    ...more,
  };
}

const fromA = ["origin", "https://a.example"];
const fromB = ["origin", "https://b.example"];
const asking = ["access-control-request-method", "PUT"];
const preflight = { method: "OPTIONS", fields: [...fromA, ...asking] };

/** The fields of the answer to a preflight. */
function preflightFields(
  { cors }: FilterSubject,
  more: Partial<CorsConfig>,
  fields: string[] = [],
): Record<string, string> {
  const filter = new cors.CorsFilter(corsConfig(more));
  const request = { method: "OPTIONS", fields: [...fromA, ...asking, ...fields] };
  return Object.fromEntries(replyOf(ask(filter, request)).fields ?? []);
}

export const corsTraps: Readonly<Record<string, (subject: FilterSubject) => void>> = {
  "a preflight is answered here, with what the policy allows": (subject) => {
    const filter = new subject.cors.CorsFilter(corsConfig());
    const reply = replyOf(ask(filter, preflight));
    assert.equal(reply.status, 200);
    assert.equal(reply.body?.length, 0);
    assert.equal(reply.details, "cors_response");
    assert.deepEqual(Object.fromEntries(reply.fields ?? []), {
      "access-control-allow-origin": "https://a.example",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET, PUT",
      "access-control-allow-headers": "x-one",
      "access-control-max-age": "600",
      vary: "origin",
    });
    assert.deepEqual(filter.numbers, { originValid: 1, originInvalid: 0, preflights: 1 });
  },

  "what the policy does not say is not in the answer": (subject) => {
    const nothing = { methods: "", headers: "", maxAge: "", credentials: false };
    const origin = { "access-control-allow-origin": "https://a.example", vary: "origin" };
    assert.deepEqual(preflightFields(subject, nothing), origin);
  },

  "a star allows the method and the headers that are asked for": (subject) => {
    const wished = ["access-control-request-headers", "x-any, x-other"];
    const fields = preflightFields(subject, { methods: "*", headers: "*" }, wished);
    assert.equal(fields["access-control-allow-methods"], "PUT");
    assert.equal(fields["access-control-allow-headers"], "x-any, x-other");
    const none = preflightFields(subject, { headers: "*" });
    assert.equal("access-control-allow-headers" in none, false);
  },

  "OPTIONS without a method to ask for is no preflight": ({ cors }) => {
    const filter = new cors.CorsFilter(corsConfig());
    assert.equal(ask(filter, { method: "OPTIONS", fields: fromA }), undefined);
    assert.equal(ask(filter, { method: "GET", fields: [...fromA, ...asking] }), undefined);
  },

  "a preflight of another origin goes on, and its answer allows nothing": ({ cors }) => {
    const filter = new cors.CorsFilter(corsConfig());
    const request = { method: "OPTIONS", fields: [...fromB, ...asking] };
    const fields = answered(filter, request, { fields: ["allow", "GET"] });
    assert.deepEqual(fields.flat, ["allow", "GET", "vary", "origin"]);
    assert.deepEqual(filter.numbers, { originValid: 0, originInvalid: 1, preflights: 0 });
  },

  "an answer to an origin that is allowed says so, whatever upstream says": ({ cors }) => {
    const filter = new cors.CorsFilter(corsConfig());
    const theirs = ["access-control-allow-origin", "*"];
    const fields = answered(filter, { fields: fromA }, { fields: theirs });
    assert.deepEqual(fields.all("access-control-allow-origin"), ["https://a.example"]);
    assert.equal(fields.get("access-control-allow-credentials"), "true");
    assert.equal(fields.get("access-control-expose-headers"), "x-two");
    assert.equal(fields.get("vary"), "origin");
  },

  "Fetch, CORS and caches: Vary stands in answers to requests without an origin too": (subject) => {
    const filter = new subject.cors.CorsFilter(corsConfig());
    assert.deepEqual(answered(filter, {}).flat, ["vary", "origin"]);
    const varies = { fields: ["vary", "Accept, Origin"] };
    assert.deepEqual(answered(filter, {}, varies).flat, varies.fields);
    assert.deepEqual(answered(filter, {}, { fields: ["vary", "*"] }).flat, ["vary", "*"]);
    const other = answered(filter, {}, { fields: ["vary", "x-origin"] });
    assert.deepEqual(other.flat, ["vary", "x-origin", "vary", "origin"]);
  },

  "what matches a star matches every origin, which is named all the same": ({ cors }) => {
    const any = { kind: "regex", value: new Pattern(".*") } as const;
    for (const origins of [[exactly("*")], [any]]) {
      const filter = new cors.CorsFilter(corsConfig({ origins }));
      const fields = answered(filter, { fields: fromB });
      assert.equal(fields.get("access-control-allow-origin"), "https://b.example");
    }
  },

  "origins are compared as a whole, with their scheme and port": ({ cors }) => {
    const filter = new cors.CorsFilter(corsConfig());
    const others = ["http://a.example", "https://a.example:444", "https://a.example.evil", "null"];
    for (const origin of others) {
      const fields = answered(filter, { fields: ["origin", origin] });
      assert.equal(fields.has("access-control-allow-origin"), false);
    }
  },

  "without origins the filter does nothing": ({ cors }) => {
    const filter = new cors.CorsFilter(corsConfig({ origins: [] }));
    assert.deepEqual(answered(filter, preflight).flat, []);
    assert.deepEqual(answered(filter, {}).flat, []);
  },
};
