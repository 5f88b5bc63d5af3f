// The way of a response to the client: first what the route and the filters do to its head, then
// the stages that filters have put into its body's way, then the client. An answer from here and
// one from upstream take the same way.
import type { ResponseHead } from "../codec/codec.ts";
import type { Fields } from "../codec/fields.ts";
import type { MakeStage, ResponseSink, ResponseStage } from "../filters/http-filter.ts";

/** What sees, and may change, a response's head. */
export type VisitHead = (head: ResponseHead) => void;

/** Whose response it is: the end of the path, and what is asked on the way. */
export interface ResponsePathOwner extends ResponseSink {
  /** What the route does to the head, before all others. */
  editHead(head: ResponseHead): void;
  /** More may be given again. */
  onReady(): void;
}

const none: readonly never[] = [];

/** One response on its way. */
export class ResponsePath implements ResponseSink {
  readonly #owner: ResponsePathOwner;
  #visits: VisitHead[] | undefined;
  #makers: MakeStage[] | undefined;
  // From the client outwards.
  #stages: readonly ResponseStage[] = none;
  #first: ResponseSink;

  constructor(owner: ResponsePathOwner) {
    this.#owner = owner;
    this.#first = owner;
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
    this.#owner.editHead(head);
    const visits = this.#visits ?? none;
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
    if (this.#stages.every((stage) => stage.onWritable())) this.#owner.onReady();
  }

  /** The response is over before its end. */
  abort(): void {
    for (const stage of this.#stages) stage.abort();
    this.#stages = none;
    this.#first = this.#owner;
  }

  #build(makers: readonly MakeStage[], head: ResponseHead): void {
    for (const make of makers) {
      const outer = this.#stages.length;
      const stage = make(this.#first, head, () => this.#onStageReady(outer));
      if (stage === undefined) continue;
      this.#stages = [...this.#stages, stage];
      this.#first = stage;
    }
  }

  #onStageReady(at: number): void {
    if (this.#stages.slice(at + 1).every((stage) => stage.onWritable())) this.#owner.onReady();
  }
}
