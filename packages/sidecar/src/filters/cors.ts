// Cross-origin requests (envoy.filters.http.cors; Fetch standard §3.3). A browser lets a page read
// the answer of another origin when that answer says so, and asks beforehand (a preflight, OPTIONS
// with Access-Control-Request-Method) whether it may send what a plain form could not. Preflights
// from origins that are allowed are answered here; everything else goes on, and its answer says
// what the policy allows. Nobody is refused: the browser does that.
//
// What Envoy leaves out and is needed: the answer names the origin that asked, so one that a cache
// keeps must not be given to another. `Vary: origin` stands in every answer under a policy, to
// requests without an origin as well (Fetch standard, "CORS protocol and HTTP caches").
import type { RequestHead, ResponseHead } from "../codec/codec.ts";
import type { CorsConfig } from "../config/filter-config.ts";
import { matchesString } from "../match/string-matcher.ts";
import type { FilteredRequest, HttpFilter, Verdict } from "./http-filter.ts";
import { addVary } from "./vary.ts";

const empty = new Uint8Array();

/** Says to browsers what other origins may do. */
export class CorsFilter implements HttpFilter {
  readonly kind = "cors";
  readonly name: string;
  /** Requests of origins that are allowed, and that are not; preflights that were answered. */
  readonly numbers: { originValid: number; originInvalid: number; preflights: number } = {
    originValid: 0,
    originInvalid: 0,
    preflights: 0,
  };
  readonly #config: CorsConfig;
  // As Envoy takes it: what matches the text "*" matches everything.
  readonly #allowsAll: boolean;

  constructor(config: CorsConfig) {
    this.name = config.name;
    this.#config = config;
    this.#allowsAll = config.origins.some((matcher) => matchesString(matcher, "*"));
  }

  onRequest(request: FilteredRequest): Verdict {
    if (this.#config.origins.length === 0) return undefined;
    const { head } = request;
    const origin = head.fields.get("origin");
    if (origin === undefined || origin === "") {
      request.onResponse(({ fields }) => addVary(fields, "origin"));
      return undefined;
    }
    const isAllowed = this.#allows(origin);
    if (isAllowed) this.numbers.originValid++;
    else this.numbers.originInvalid++;
    if (isAllowed && isPreflight(head)) return this.#answer(head, origin);
    request.onResponse((response) => this.#mark(response, isAllowed ? origin : undefined));
    return undefined;
  }

  #allows(origin: string): boolean {
    if (this.#allowsAll) return true;
    for (const matcher of this.#config.origins) if (matchesString(matcher, origin)) return true;
    return false;
  }

  #answer({ fields: asked }: RequestHead, origin: string): Verdict {
    this.numbers.preflights++;
    const { credentials, methods, headers, maxAge } = this.#config;
    const fields: (readonly [string, string])[] = [["access-control-allow-origin", origin]];
    const say = (name: string, value: string | undefined): void => {
      if (value) fields.push([`access-control-${name}`, value]);
    };
    if (credentials) say("allow-credentials", "true");
    const wished = (name: string): string | undefined => asked.joined(`access-control-${name}`);
    say("allow-methods", methods === "*" ? wished("request-method") : methods);
    say("allow-headers", headers === "*" ? wished("request-headers") : headers);
    say("max-age", maxAge);
    fields.push(["vary", "origin"]);
    const reply = { status: 200, text: "", body: empty, fields, details: "cors_response" };
    return { kind: "reply", reply };
  }

  // What upstream says about origins is overruled: two answers would be none to a browser.
  #mark({ fields }: ResponseHead, origin: string | undefined): void {
    addVary(fields, "origin");
    if (origin === undefined) return;
    const { credentials, exposeHeaders } = this.#config;
    fields.set("access-control-allow-origin", origin);
    if (credentials) fields.set("access-control-allow-credentials", "true");
    if (exposeHeaders) fields.set("access-control-expose-headers", exposeHeaders);
  }
}

function isPreflight({ method, fields }: RequestHead): boolean {
  return method === "OPTIONS" && Boolean(fields.get("access-control-request-method"));
}
