// The three shapes in which undici takes a request's headers (an object, pairs, names and values in
// turn), looked at as one.
import type { Dispatcher } from "undici";

type Request = Dispatcher.DispatchOptions;
type Pair = [name: string, value: string | string[] | undefined];

/** The names of a request's headers, in lower case. */
export function headerNames(request: Request): string[] {
  return pairsOf(request).map(([name]) => name.toLowerCase());
}

/** The request with one header set, in place of any of that name. */
export function withHeader(request: Request, name: string, value: string): Request {
  const others = pairsOf(request).filter(([other]) => other.toLowerCase() !== name.toLowerCase());
  const headers = [...others.flat(1), name, value] as string[];
  return { ...request, headers };
}

function pairsOf({ headers }: Request): Pair[] {
  if (headers === undefined || headers === null) return [];
  if (Array.isArray(headers)) {
    return Array.from({ length: headers.length >> 1 }, (_, i): Pair => {
      return [String(headers[2 * i]), headers[2 * i + 1]];
    });
  }
  if (Symbol.iterator in headers) return [...(headers as Iterable<Pair>)];
  return Object.entries(headers) as Pair[];
}
