// One request's way through the filters, one after the other. A filter may answer, wait for its own
// time, or wait until the whole body has come; whoever is behind it is asked after that.
import type { RequestHead, ResponseHead, ServerStream } from "../codec/codec.ts";
import { Fields } from "../codec/fields.ts";
import type { FilteredRequest, HttpFilter, MakeStage, Verdict } from "../filters/http-filter.ts";
import type { LocalReply } from "./local-reply.ts";
import type { RequestInfo } from "./request-info.ts";
import type { ResponsePath } from "./response-path.ts";

/** What a run is made of. */
export interface FilterRunOptions {
  readonly head: RequestHead;
  readonly hasBody: boolean;
  readonly info: RequestInfo;
  readonly filters: readonly HttpFilter[];
  readonly response: ResponsePath;
  readonly client: Pick<ServerStream, "sendInformational">;
  /** All of them let it go on. */
  readonly onPassed: () => void;
  /** One of them has answered. */
  readonly onReply: (reply: LocalReply) => void;
}

const tooLarge: LocalReply = {
  status: 413,
  text: "the body is too large",
  details: "request_payload_too_large",
};

/** Filters at work on one request. */
export class FilterRun implements FilteredRequest, Disposable {
  readonly #options: FilterRunOptions;
  readonly #ends: ((info: RequestInfo) => void)[] = [];
  #next = 0;
  #wait: Disposable | undefined;
  // How much of a body a filter waits for; `undefined`: none does.
  #collectedMax: number | undefined;
  #bytes = 0;
  #hasEnded: boolean;
  #hasTrailers = false;
  #isOver = false;

  constructor(options: FilterRunOptions) {
    this.#options = options;
    this.#hasEnded = !options.hasBody;
  }

  get head(): RequestHead {
    return this.#options.head;
  }

  get hasBody(): boolean {
    return this.#options.hasBody;
  }

  get info(): RequestInfo {
    return this.#options.info;
  }

  /** How much of the body is waited for; `undefined`: it is not. */
  get collectedMax(): number | undefined {
    return this.#collectedMax;
  }

  onResponse(visit: (head: ResponseHead) => void): void {
    this.#options.response.visit(visit);
  }

  transform(make: MakeStage): void {
    this.#options.response.transform(make);
  }

  onEnd(visit: (info: RequestInfo) => void): void {
    this.#ends.push(visit);
  }

  /** Asks the filters. */
  start(): void {
    const { filters, onPassed } = this.#options;
    while (!this.#isOver) {
      if (this.#next === filters.length) {
        this.#isOver = true;
        return onPassed();
      }
      if (!this.#follow(filters[this.#next++]!.onRequest(this))) return;
    }
  }

  /** The body has grown by so much. */
  onBody(bytes: number, hasEnded: boolean): void {
    this.#bytes += bytes;
    this.#hasEnded = hasEnded;
    if (this.#collectedMax === undefined || this.#isOver) return;
    if (this.#bytes > this.#collectedMax) return this.#reply(tooLarge);
    if (!hasEnded) return;
    this.#collectedMax = undefined;
    this.#sayLength();
    this.start();
  }

  /** The body has ended, with trailers. */
  onTrailers(): void {
    this.#hasTrailers = true;
    this.onBody(0, true);
  }

  /** Nothing more happens to the request: those that asked are told, a wait is called off. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#wait?.[Symbol.dispose]();
    for (const end of this.#ends) end(this.#options.info);
  }

  // Whether the next one is to be asked now.
  #follow(verdict: Verdict): boolean {
    switch (verdict?.kind) {
      case undefined:
        return true;
      case "reply":
        this.#reply(verdict.reply);
        return false;
      case "collect":
        if (this.#bytes > verdict.bytesMax) this.#reply(tooLarge);
        else if (this.#hasEnded) {
          this.#sayLength();
          return true;
        } else {
          this.#collectedMax = verdict.bytesMax;
          this.#askForBody();
        }
        return false;
      case "wait":
        this.#wait = verdict.start((next) => {
          if (this.#isOver) return;
          this.#wait = undefined;
          if (this.#follow(next)) this.start();
        });
        return false;
    }
  }

  // A client may wait for a word before it sends the body (RFC 9110 §10.1.1). Upstream, whose word
  // it is, does not hear of the request before all of it is here.
  #askForBody(): void {
    const { client, head } = this.#options;
    if (!head.fields.has("expect")) return;
    head.fields.remove("expect");
    client.sendInformational({ status: 100, fields: new Fields() });
  }

  // What is whole has a length, and upstream need not look for an end. Behind a length there is no
  // place for trailers (RFC 9112 §7.1.2).
  #sayLength(): void {
    const { head, hasBody } = this.#options;
    if (!hasBody || this.#hasTrailers || head.fields.has("content-length")) return;
    head.fields.append("content-length", String(this.#bytes));
  }

  #reply(reply: LocalReply): void {
    this.#isOver = true;
    this.#options.onReply(reply);
  }
}
