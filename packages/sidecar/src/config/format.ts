// Texts with command operators, "%REQ(:METHOD)% took %DURATION% ms", taken apart once. A percent
// sign of its own is written twice. `:n` behind an operator cuts what it says to n characters.
import type { FormatContext } from "./format-context.ts";
import { headerOperators, type Operator, operators } from "./operators.ts";

/** An operator that is not known, or a percent sign without its partner. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

/** A text with command operators. */
export class Format {
  readonly source: string;
  readonly #parts: readonly (string | Operator)[];

  /** @throws FormatError when an operator is not known */
  constructor(source: string) {
    this.source = source;
    this.#parts = parse(source);
  }

  /** The text for this request; `absent` stands for what is not known. */
  render(context: FormatContext, absent = ""): string {
    let text = "";
    for (const part of this.#parts) {
      text += typeof part === "string" ? part : (part(context) ?? absent);
    }
    return text;
  }

  /** The value for JSON: a single operator's own, number or nothing, else the text. */
  value(context: FormatContext): string | number | undefined {
    const [first] = this.#parts;
    if (this.#parts.length === 1 && typeof first === "function") return first(context);
    return this.render(context, "-");
  }

  /** For the digest of a configuration. */
  toJSON(): string {
    return this.source;
  }
}

/** The fields of a line in JSON: more of them inside, or a format. */
export type JsonFormat = ReadonlyMap<string, JsonFormat | Format>;

/** How a line of the access log is made. */
export class LineFormat {
  readonly #format: Format | JsonFormat;
  readonly #omitsAbsent: boolean;

  /** @param omitsAbsent leaves out of JSON what is not known, and out of text the "-" for it */
  constructor(format: Format | JsonFormat, omitsAbsent = false) {
    this.#format = format;
    this.#omitsAbsent = omitsAbsent;
  }

  /** The line, with its end. A line of JSON is one line whatever a header says. */
  render(context: FormatContext): string {
    const format = this.#format;
    if (format instanceof Format) return format.render(context, this.#omitsAbsent ? "" : "-");
    return `${JSON.stringify(this.#fill(format, context))}\n`;
  }

  /** For the digest of a configuration. */
  toJSON(): unknown {
    return { format: this.#format, omitsAbsent: this.#omitsAbsent };
  }

  #fill(format: JsonFormat, context: FormatContext): Record<string, unknown> {
    // Without a prototype: a key of the document may be "__proto__".
    const line: Record<string, unknown> = Object.create(null);
    for (const [key, inner] of format) {
      const value =
        inner instanceof Format ? (inner.value(context) ?? null) : this.#fill(inner, context);
      if (value !== null || !this.#omitsAbsent) line[key] = value;
    }
    return line;
  }
}

/** Envoy's own line, for an access log without a format. */
export const defaultLine = `[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% \
%PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% \
%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" \
"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n`;

const OPERATOR = /^%([A-Z_]+)(?:\(([^()%]*)\))?(?::(\d{1,5}))?%/;

function parse(source: string): (string | Operator)[] {
  const parts: (string | Operator)[] = [];
  let text = "";
  for (let at = 0; at < source.length; ) {
    const next = source.indexOf("%", at);
    text += source.slice(at, next === -1 ? source.length : next);
    if (next === -1) break;
    if (source.startsWith("%%", next)) {
      text += "%";
      at = next + 2;
      continue;
    }
    const found = OPERATOR.exec(source.slice(next, next + 512));
    if (found === null) {
      throw new FormatError(`has a lone % at character ${next + 1}`);
    }
    if (text !== "") parts.push(text);
    text = "";
    parts.push(operatorOf(found));
    at = next + found[0].length;
  }
  if (text !== "" || parts.length === 0) parts.push(text);
  return parts;
}

function operatorOf([whole, name = "", argument, length]: RegExpExecArray): Operator {
  const operator = argument === undefined ? plain(name) : ofHeader(name, argument);
  if (operator === undefined) throw new FormatError(`has the unknown operator ${whole}`);
  if (length === undefined) return operator;
  const most = Number(length);
  return (context) => {
    const value = operator(context);
    return typeof value === "string" ? value.slice(0, most) : value;
  };
}

function plain(name: string): Operator | undefined {
  return Object.hasOwn(operators, name) ? operators[name] : undefined;
}

function ofHeader(name: string, argument: string): Operator | undefined {
  const section = Object.hasOwn(headerOperators, name) ? headerOperators[name] : undefined;
  const [first = "", second, ...more] = argument.toLowerCase().split("?");
  if (section === undefined || first === "" || second === "" || more.length > 0) return undefined;
  return (context) => {
    const value = section(context, first);
    return value === undefined && second !== undefined ? section(context, second) : value;
  };
}
