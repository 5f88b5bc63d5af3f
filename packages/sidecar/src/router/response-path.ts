// The way of a response to the client: first what the route and the filters do to its head, then
// the stages that filters have put into its body's way, then the client. An answer from here and
// one from upstream take the same way.
import type { ResponseHead } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { MakeStage, ResponseSink, ResponseStage } from "../filters/http-filter.ts";

/** What sees, and may change, a response's head. */
export type VisitHead = (head: ResponseHead) => void;

/** What a path is made of. */
export interface ResponsePathOptions {
  /** The end of it. */
  readonly client: ResponseSink;
  /** What the route does to the head, before all others. */
  readonly edit: VisitHead;
  /** More may be given again. */
  readonly onReady: () => void;
}

/** One response on its way. */
export class ResponsePath implements ResponseSink {
  readonly #options: ResponsePathOptions;
  #visits: VisitHead[] | undefined;
  #makers: MakeStage[] | undefined;
  // From the client outwards.
  #stages: ResponseStage[] = [];
  #first: ResponseSink;

  constructor(options: ResponsePathOptions) {
    this.#options = options;
    this.#first = options.client;
  }

  /** Asked in the order that is the reverse of that in which they were added. */
  visit(visit: VisitHead): void {
    this.#visits ??= [];
    this.#visits.push(visit);
  }

  /** Stages that were added first stand next to the client. */
  transform(make: MakeStage): void {
    this.#makers ??= [];
    this.#makers.push(make);
  }

  sendHead(head: ResponseHead, end: boolean): void {
    this.#options.edit(head);
    const visits = this.#visits ?? [];
    for (let i = visits.length - 1; i >= 0; i--) visits[i]!(head);
    if (!end && this.#makers !== undefined) this.#build(this.#makers, head);
    this.#first.sendHead(head, end);
  }

  sendData(chunk: Uint8Array, end: boolean): boolean {
    return this.#first.sendData(chunk, end);
  }

  sendTrailers(fields: Fields): void {
    this.#first.sendTrailers(fields);
  }

  /** The client takes more: so do the stages, one after the other, unless one has a backlog. */
  onWritable(): void {
    if (this.#stages.every((stage) => stage.onWritable())) this.#options.onReady();
  }

  /** The response is over before its end. */
  abort(): void {
    for (const stage of this.#stages) stage.abort();
    this.#stages = [];
    this.#first = this.#options.client;
  }

  #build(makers: readonly MakeStage[], head: ResponseHead): void {
    for (const make of makers) {
      const outer = this.#stages.length;
      const stage = make(this.#first, head, () => this.#onStageReady(outer));
      if (stage === undefined) continue;
      this.#stages.push(stage);
      this.#first = stage;
    }
  }

  #onStageReady(at: number): void {
    if (this.#stages.slice(at + 1).every((stage) => stage.onWritable())) this.#options.onReady();
  }
}
