// gzip for responses (envoy.filters.http.compressor). A response is compressed when it is of a type
// that is worth it, not too short, not compressed already, when nobody has forbidden it
// (no-transform) or vouched for its very bytes, and when the client takes gzip. One that could be
// compressed says `Vary: accept-encoding` whether it is or not.
//
// A strong ETag names bytes that the client does not get; it becomes a weak one (RFC 9110 §8.8.1),
// which revalidates as well. (Envoy removes it.) Ranges are of the bytes of upstream, so
// Accept-Ranges goes.
//
// BREACH (2013): where a response has a secret and, beside it, something that the client sent, its
// length tells who can choose the one how much it is like the other, through TLS. Keep such
// responses out: by their type, a route, or `cache-control: no-transform`.
import type { ResponseHead } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { CompressorConfig } from "../config/filter-config.ts";
import { acceptsGzip } from "./accept-encoding.ts";
import { GzipStage } from "./gzip-stage.ts";
import type {
  FilteredRequest,
  HttpFilter,
  ResponseSink,
  ResponseStage,
  Verdict,
} from "./http-filter.ts";
import { addVary } from "./vary.ts";

// 150 MB of compressors; what is beyond is sent as it is.
const ACTIVE_MAX = 512;

// A body that is none, or a part of one.
const unfitStatuses: ReadonlySet<number> = new Set([204, 205, 206, 304]);

// Already coded, or vouched for as it is (RFC 9530).
const unfitFields = [
  "content-encoding",
  "content-range",
  "content-digest",
  "repr-digest",
  "digest",
];

/** Compresses what is worth it, for whoever takes it. */
export class CompressorFilter implements HttpFilter {
  readonly kind = "compressor";
  readonly name: string;
  /**
   * Responses, and those that were compressed; those that were not because too many were; how many
   * are at the moment; bytes of bodies before and after.
   */
  readonly numbers: {
    responses: number;
    compressed: number;
    overflow: number;
    active: number;
    totalUncompressedBytes: number;
    totalCompressedBytes: number;
  } = {
    responses: 0,
    compressed: 0,
    overflow: 0,
    active: 0,
    totalUncompressedBytes: 0,
    totalCompressedBytes: 0,
  };
  readonly #bytesMin: number;
  readonly #types: ReadonlySet<string>;
  readonly #activeMax: number;

  /** @param activeMax how many responses are compressed at a time */
  constructor({ name, bytesMin, contentTypes }: CompressorConfig, activeMax: number = ACTIVE_MAX) {
    this.name = name;
    this.#bytesMin = bytesMin;
    this.#types = new Set(contentTypes.map((type) => type.toLowerCase()));
    this.#activeMax = activeMax;
  }

  onRequest(request: FilteredRequest): Verdict {
    const { head } = request;
    if (head.upgrade !== undefined || head.method === "CONNECT") return undefined;
    let isFit = false;
    request.onResponse((response) => {
      this.numbers.responses++;
      isFit = this.#isFit(response);
      if (isFit) addVary(response.fields, "accept-encoding");
    });
    if (head.method === "HEAD" || hasNoTransform(head.fields)) return undefined;
    if (!acceptsGzip(head.fields.joined("accept-encoding"))) return undefined;
    request.transform((next, response, onReady) => {
      return isFit ? this.#compress(next, response, onReady) : undefined;
    });
    return undefined;
  }

  #isFit({ status, fields }: ResponseHead): boolean {
    if (status < 200 || unfitStatuses.has(status)) return false;
    for (const name of unfitFields) if (fields.has(name)) return false;
    const length = fields.get("content-length");
    if (length !== undefined && Number(length) < this.#bytesMin) return false;
    // What does not say its type is taken, as Envoy takes it.
    const type = fields.get("content-type");
    if (type !== undefined && !this.#types.has(mediaTypeOf(type))) return false;
    return !hasNoTransform(fields);
  }

  #compress(
    next: ResponseSink,
    { fields }: ResponseHead,
    onReady: () => void,
  ): ResponseStage | undefined {
    const { numbers } = this;
    if (numbers.active >= this.#activeMax) {
      numbers.overflow++;
      return undefined;
    }
    numbers.compressed++;
    numbers.active++;
    fields.set("content-encoding", "gzip");
    fields.remove("content-length");
    fields.remove("accept-ranges");
    const etag = fields.get("etag");
    if (etag?.startsWith('"')) fields.set("etag", `W/${etag}`);
    const onOver = (): void => {
      numbers.active--;
    };
    return new GzipStage({ next, onReady, numbers, onOver });
  }
}

function mediaTypeOf(type: string): string {
  const end = type.indexOf(";");
  return (end === -1 ? type : type.slice(0, end)).trim().toLowerCase();
}

// RFC 9111 §5.2.1.6 and §5.2.2.6: client and server can both forbid it.
function hasNoTransform(fields: Fields): boolean {
  const directives = fields.joined("cache-control");
  return directives !== undefined && /(?:^|,)\s*no-transform\s*(?:,|$)/i.test(directives);
}
