// V8 compiles code for the shapes of the objects that it sees, and drops it again once a full
// collection finds no object of such a shape. Between two calls there may be none of ours: each
// collection would then make the next thousands of calls more than twice as slow. So one object of
// each shape that a call is made of is kept for ever.

const kept: unknown[] = [];

/** Keeps an object, and with it the code that was compiled for its shape. */
export function keepShape(object: unknown): void {
  kept.push(object);
}
