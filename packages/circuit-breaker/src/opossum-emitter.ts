// The emitter under the opossum door. Two things differ from a bare EventEmitter.
//
// It knows when somebody begins to listen. opossum keeps two intervals for every breaker and a
// timer for every rest, whether or not anybody hears of it; here a timer exists only while there
// is somebody to call.
//
// What a listener throws is nobody's business but its own. In opossum it turns a success into a
// failure, and leaves the caller of a failed call without an answer; here it surfaces where errors
// without an owner do, as an uncaught exception, and changes nothing else.
import { EventEmitter } from "node:events";

/** Event names, and the arguments of their listeners. */
type Events<E> = Record<keyof E, unknown[]>;

/** An emitter that says when it is listened to, and that listeners cannot break. */
export abstract class DoorEmitter<E extends Events<E>> extends EventEmitter<E> {
  constructor() {
    super();
    watchListeners(this, (type) => this.onListener(type));
  }

  /** Somebody is about to listen to `type`. */
  protected abstract onListener(type: PropertyKey): void;

  /** Emits, whatever the listeners do. */
  protected tell<K extends keyof E & string>(type: K, ...args: E[K]): void {
    try {
      (this as EventEmitter).emit(type, ...args);
    } catch (error) {
      surface(error);
    }
  }

  override removeAllListeners(type?: unknown): this {
    // An argument of undefined would count as given.
    if (type === undefined) super.removeAllListeners();
    else super.removeAllListeners(type as never);
    // Somebody who clears the table does not mean this one.
    watchListeners(this, (type) => this.onListener(type));
    return this;
  }
}

/** Makes an error that has no owner an uncaught exception. */
export function surface(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

// Through the plain type: of the events of a subclass nothing is known here.
function watchListeners(emitter: EventEmitter, notify: (type: PropertyKey) => void): void {
  if (emitter.listenerCount("newListener") === 0) emitter.on("newListener", notify);
}
