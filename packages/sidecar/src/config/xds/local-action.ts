// Answers from here: redirects to another address, and whole responses.
import { readFileSync, statSync } from "node:fs";
import { Fields } from "../../codec/fields.ts";
import type { DirectResponseAction, RedirectAction } from "../route-config.ts";
import {
  defaulted,
  type Message,
  message,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { Abandoned, type Node, shown } from "../schema/node.ts";
import {
  bool,
  bytes,
  choice,
  headerValue,
  integer,
  port,
  refine,
  someHeaderValue,
  text,
  textUpTo,
} from "../schema/reader.ts";

import { regexRewrite } from "./types.ts";

const pathStart = refine(headerValue, (value, node) => {
  if (value.startsWith("/")) return value;
  return node.fail(`${JSON.stringify(value)} is no path`, 'begin it with "/"');
});

/** To another address. */
export const redirectAction: Message<RedirectAction> = message(
  "envoy.config.route.v3.RedirectAction",
  {
    https_redirect: defaulted(bool, false),
    scheme_redirect: optional(choice<"http" | "https">("scheme", { http: "http", https: "https" })),
    host_redirect: optional(someHeaderValue),
    port_redirect: optional(port),
    path_redirect: optional(pathStart),
    prefix_rewrite: optional(pathStart),
    regex_rewrite: optional(regexRewrite),
    response_code: defaulted(
      choice<301 | 302 | 303 | 307 | 308>("RedirectResponseCode", {
        MOVED_PERMANENTLY: 301,
        FOUND: 302,
        SEE_OTHER: 303,
        TEMPORARY_REDIRECT: 307,
        PERMANENT_REDIRECT: 308,
      }),
      301,
    ),
    strip_query: defaulted(bool, false),
  },
  (values) => {
    const { pathRedirect: whole, prefixRewrite: prefix } = values;
    return {
      kind: "redirect",
      scheme: values.httpsRedirect ? "https" : values.schemeRedirect,
      host: values.hostRedirect,
      port: values.portRedirect,
      path:
        (whole !== undefined && ({ kind: "whole", value: whole } as const)) ||
        (prefix !== undefined && ({ kind: "prefix", value: prefix } as const)) ||
        values.regexRewrite,
      status: values.responseCode,
      stripQuery: values.stripQuery,
    };
  },
  {
    atMostOneOf: [
      ["https_redirect", "scheme_redirect"],
      ["path_redirect", "prefix_rewrite", "regex_rewrite"],
    ],
  },
);

/** As in Envoy, which takes more only if max_direct_response_body_size_bytes says so. */
const BODY_BYTES_MAX = 4096;

const body: Message<Uint8Array> = message(
  "envoy.config.core.v3.DataSource",
  {
    inline_string: optional(textUpTo(BODY_BYTES_MAX)),
    inline_bytes: optional(bytes),
    filename: optional(text),
    environment_variable: refused("write inline_string, or a file's name"),
    watched_directory: refused("the file is read once"),
  },
  ({ inlineString, inlineBytes, filename }, node) => {
    const data =
      filename === undefined
        ? (inlineBytes ?? new TextEncoder().encode(inlineString ?? ""))
        : contentOf(filename, node);
    if (data.length <= BODY_BYTES_MAX) return data;
    return node.fail(`has ${data.length} bytes, at most ${BODY_BYTES_MAX}`, "shorten it");
  },
  { oneOf: [["inline_string", "inline_bytes", "filename", "environment_variable"]] },
);

function contentOf(filename: string, node: Node): Uint8Array {
  try {
    // Looked at before it is read: a device or a pipe may have no end.
    const found = statSync(filename);
    if (found.size > BODY_BYTES_MAX || !found.isFile()) {
      return node.fail(
        `is no file of at most ${BODY_BYTES_MAX} bytes: ${shown(filename)}`,
        "shorten it, or write inline_string",
      );
    }
    return new Uint8Array(readFileSync(filename));
  } catch (error) {
    if (error instanceof Abandoned) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return node.fail(`cannot be read: ${reason}`, "correct the name, or write inline_string");
  }
}

/** An answer from here. */
export const directResponse: Message<DirectResponseAction> = message(
  "envoy.config.route.v3.DirectResponseAction",
  {
    status: required(integer(200, 599)),
    body: defaulted(body, new Uint8Array()),
    body_format: refused("write body"),
  },
  ({ status, body: data }) => ({
    kind: "direct",
    status,
    body: data,
    fields: new Fields(data.length === 0 ? [] : ["content-type", "text/plain"]),
  }),
);
