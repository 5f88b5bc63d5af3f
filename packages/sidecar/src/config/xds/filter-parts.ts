// Small messages that several filters contain.
import type { HttpFilterConfig } from "../filter-config.ts";

import { type Message, message, required } from "../schema/message.ts";

import { bool, integer, type Reader, refine } from "../schema/reader.ts";

/** A filter's configuration without its name, which stands beside it. */
export type Nameless<F> = F extends HttpFilterConfig ? Omit<F, "name"> : never;

/** A status code of its own. */
export const httpStatus: Message<number> = message(
  "envoy.type.v3.HttpStatus",
  { code: required(integer(100, 599, "StatusCode")) },
  ({ code }) => code,
);

/** `disabled: true`. */
export const disabled: Reader<false> = refine(bool, (value, node) => {
  return value ? (false as const) : node.fail("must be true, got false", "take it out");
});
