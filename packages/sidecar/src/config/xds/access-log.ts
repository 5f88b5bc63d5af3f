// Access logs: a line for each request, into a file or to standard output.
import {
  defaultLine,
  type Format,
  type JsonFormat,
  LineFormat,
  Format as Text,
} from "../format.ts";
import type { AccessLogConfig } from "../listener-config.ts";
import {
  anyOf,
  defaulted,
  ignored,
  label,
  type Message,
  message,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { attempt, giveUp, type Node, shown } from "../schema/node.ts";
import { bool, name, objectOf, type Reader, text } from "../schema/reader.ts";
import { formatOf } from "./types.ts";

const textFormat = formatOf(text);

/** A struct whose leaves are formats. */
const jsonFormat: Reader<JsonFormat> = {
  type: "Struct",
  read: (node) => {
    const made = new Map<string, JsonFormat | Format>();
    const entries = Object.entries(objectOf(node));
    for (const [key, value] of entries) {
      const one = attempt(() => leaf(node.entry(key, value)));
      if (one !== undefined) made.set(key, one.value);
    }
    return made.size === entries.length ? made : giveUp();
  },
};

function leaf(node: Node): JsonFormat | Format {
  const { value } = node;
  if (typeof value === "string") return textFormat.read(node);
  if (typeof value === "object" && value !== null) return jsonFormat.read(node);
  return node.fail(`must be a text with operators, got ${shown(value)}`, "put it in quotes");
}

const dataSource: Message<Format> = message(
  "envoy.config.core.v3.DataSource",
  {
    inline_string: required(textFormat),
    inline_bytes: refused("write inline_string"),
    filename: refused("write inline_string"),
    environment_variable: refused("write inline_string"),
  },
  (values) => values.inlineString,
);

const substitutionFormat: Message<LineFormat> = message(
  "envoy.config.core.v3.SubstitutionFormatString",
  {
    text_format: optional(textFormat),
    text_format_source: optional(dataSource),
    json_format: optional(jsonFormat),
    omit_empty_values: defaulted(bool, false),
    content_type: ignored("a line has no content type"),
    formatters: refused("use the operators that are listed in XDS.md"),
    json_format_options: ignored("keys stand in the order of the document"),
  },
  ({ textFormat: inline, textFormatSource: source, jsonFormat: json, omitEmptyValues }) => {
    return new LineFormat(json ?? source ?? inline ?? giveUp(), omitEmptyValues);
  },
  { oneOf: [["text_format", "text_format_source", "json_format"]] },
);

const usual = new LineFormat(new Text(defaultLine));

const fileAccessLog: Message<AccessLogConfig> = message(
  "envoy.extensions.access_loggers.file.v3.FileAccessLog",
  {
    path: required(name),
    log_format: defaulted(substitutionFormat, usual),
    format: optional(textFormat),
    json_format: optional(jsonFormat),
    typed_json_format: optional(jsonFormat),
  },
  ({ path, logFormat, format, jsonFormat: json, typedJsonFormat }) => {
    const old = format ?? json ?? typedJsonFormat;
    return { path, line: old === undefined ? logFormat : new LineFormat(old) };
  },
  { atMostOneOf: [["log_format", "format", "json_format", "typed_json_format"]] },
);

const stdoutAccessLog: Message<AccessLogConfig> = message(
  "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
  { log_format: defaulted(substitutionFormat, usual) },
  ({ logFormat: line }) => ({ path: "/dev/stdout", line }),
);

const stderrAccessLog: Message<AccessLogConfig> = message(
  "envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
  { log_format: defaulted(substitutionFormat, usual) },
  ({ logFormat: line }) => ({ path: "/dev/stderr", line }),
);

/** One access log. */
export const accessLog: Message<AccessLogConfig> = message(
  "envoy.config.accesslog.v3.AccessLog",
  {
    name: label("the type of typed_config decides"),
    typed_config: required(anyOf(fileAccessLog, stdoutAccessLog, stderrAccessLog)),
    filter: refused("take it out: every request has a line"),
  },
  (values) => values.typedConfig,
);
