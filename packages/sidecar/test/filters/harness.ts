// A request as filters see it, without a proxy around it: what they want to do later is kept, and
// done when the test says so.
import assert from "node:assert/strict";
import { promisify } from "node:util";
import { deflateRaw } from "node:zlib";
import { ManualClock, type Random } from "@compendium/runtime";
import type { PeerInfo, RequestHead, ResponseHead, TlsInfo } from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import type {
  FilteredRequest,
  HttpFilter,
  MakeStage,
  ResponseSink,
  ResponseStage,
  Verdict,
} from "../../src/filters/http-filter.ts";
import type { LocalReply } from "../../src/router/local-reply.ts";
import { RequestInfo } from "../../src/router/request-info.ts";
import { requestOf } from "../match/helpers.ts";

export interface TestRequestOptions extends Partial<Omit<RequestHead, "fields">> {
  /** Name, value, name, value… */
  readonly fields?: readonly string[];
  readonly hasBody?: boolean;
  readonly clock?: ManualClock;
  readonly remoteAddress?: string;
  /** After X-Forwarded-For; default: the same. */
  readonly clientAddress?: string;
  readonly localPort?: number;
  readonly tls?: Partial<TlsInfo>;
}

export class TestRequest implements FilteredRequest {
  readonly head: RequestHead;
  readonly hasBody: boolean;
  readonly info: RequestInfo;
  readonly #visits: ((head: ResponseHead) => void)[] = [];
  readonly #makers: MakeStage[] = [];
  readonly #ends: ((info: RequestInfo) => void)[] = [];

  constructor(options: TestRequestOptions = {}) {
    const { path = "/", hasBody = false, clock = new ManualClock(), ...more } = options;
    const { remoteAddress = "192.0.2.1", clientAddress, localPort = 8080, tls, ...rest } = more;
    const { fields = [], ...head } = rest;
    this.head = requestOf(path, { ...head, fields: [...fields] });
    this.hasBody = hasBody;
    const peer: PeerInfo = {
      remoteAddress,
      remotePort: 50_000,
      localAddress: "192.0.2.2",
      localPort,
      tls: tls && tlsInfo(tls),
    };
    this.info = new RequestInfo(peer, clock);
    this.info.request = this.head;
    if (clientAddress !== undefined) this.info.remoteAddress = clientAddress;
  }

  onResponse(visit: (head: ResponseHead) => void): void {
    this.#visits.unshift(visit);
  }

  transform(make: MakeStage): void {
    this.#makers.push(make);
  }

  onEnd(visit: (info: RequestInfo) => void): void {
    this.#ends.push(visit);
  }

  /** Sends a response's head through the filters; what follows goes into the sink. */
  respond(
    { status = 200, fields = [], end = false }: TestResponse,
    client = new TestClient(),
  ): { readonly head: ResponseHead; readonly sink: ResponseSink; readonly stages: number } {
    const head = { status, fields: new Fields([...fields]) };
    for (const visit of this.#visits) visit(head);
    const stages: ResponseStage[] = [];
    let sink: ResponseSink = client;
    for (const make of end ? [] : this.#makers) {
      const outer = stages.length;
      const stage = make(sink, head, () => {
        client.isGiverReady = stages.slice(outer + 1).every((inner) => inner.onWritable());
      });
      if (stage !== undefined) stages.push(stage);
      sink = stage ?? sink;
    }
    client.stages = stages;
    sink.sendHead(head, end);
    return { head, sink, stages: stages.length };
  }

  /** Says that nothing more happens. */
  end(): void {
    for (const visit of this.#ends.splice(0)) visit(this.info);
  }
}

export interface TestResponse {
  readonly status?: number;
  /** Name, value, name, value… */
  readonly fields?: readonly string[];
  readonly end?: boolean;
}

const compress = promisify(deflateRaw);

/** Lets the work beside the event loop that was begun before come to its end. */
export async function poolTurn(): Promise<void> {
  await compress(new Uint8Array());
}

/** Whom a response is for. */
export class TestClient implements ResponseSink {
  readonly chunks: Uint8Array[] = [];
  head: ResponseHead | undefined;
  trailers: Fields | undefined;
  hasEnded = false;
  /** Whether it takes more. */
  isReading = true;
  stages: readonly ResponseStage[] = [];
  /** Whether whoever gives has been told to go on. */
  isGiverReady = false;
  // Told by `until`: whoever calls in between is not the test.
  #fault: string | undefined;
  sendHead(head: ResponseHead, end: boolean): void {
    this.head = head;
    this.hasEnded = end;
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    if (this.hasEnded) this.#fault ??= "data after the end";
    this.chunks.push(chunk);
    this.hasEnded = end;
    return this.isReading;
  }

  sendTrailers(fields: Fields): void {
    if (this.hasEnded) this.#fault ??= "trailers after the end";
    this.trailers = fields;
    this.hasEnded = true;
  }

  /** Reads again. */
  resume(): void {
    this.isReading = true;
    if (this.stages.every((stage) => stage.onWritable())) this.isGiverReady = true;
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Settles when the condition holds; fails when it does not, though everything had its turn. */
  async until(condition: () => boolean): Promise<void> {
    for (let turn = 0; turn < 500; turn++) {
      assert.equal(this.#fault, undefined);
      if (condition()) return;
      await poolTurn();
    }
    assert.fail("it does not come about");
  }
}

function tlsInfo(tls: Partial<TlsInfo>): TlsInfo {
  return {
    serverName: undefined,
    applicationProtocol: undefined,
    version: "TLSv1.3",
    peerUris: [],
    peerDnsNames: [],
    ...tls,
  };
}

/** The answer that a filter gave. */
export function replyOf(verdict: Verdict): LocalReply {
  assert.equal(verdict?.kind, "reply");
  return (verdict as Extract<Verdict, { kind: "reply" }>).reply;
}

/** Asks a filter about a request like that. */
export function ask(filter: HttpFilter, options: TestRequestOptions = {}): Verdict {
  return filter.onRequest(new TestRequest(options));
}

/** A response's fields by name, after a filter was asked about a request. */
export function answered(
  filter: HttpFilter,
  request: TestRequestOptions,
  response: TestResponse = {},
): Fields {
  const asked = new TestRequest(request);
  assert.equal(filter.onRequest(asked), undefined);
  return asked.respond({ end: true, ...response }).head.fields;
}

/** Bytes that no compression makes fewer. */
export function noise(bytes: number): Buffer {
  // Marsaglia's xorshift: the same in every run.
  let state = 2_463_534_242;
  return Buffer.from(
    Array.from({ length: bytes }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    }),
  );
}

/** Draws these numbers, one after the other, and no more. */
export function drawing(...numbers: number[]): Random {
  return {
    below: (n) => {
      const next = numbers.shift();
      assert.ok(next !== undefined && next < n, "a chance that nobody had to ask");
      return next;
    },
  };
}
