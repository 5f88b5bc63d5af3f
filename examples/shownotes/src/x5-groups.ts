// X5's processes: a registry of one member or several, each with a folder of its own on the disk.
// What is killed here is killed for good measure: SIGKILL, SIGSTOP, of processes that were started
// here, by their ids.
import type { Child } from "./child.ts";
import { planRegistry } from "./live-registry.ts";

/** A registry that runs. */
export interface X5Group {
  /** Of members 1, 2, … */
  readonly urls: readonly URL[];
  /** Ends a member's process without a warning. */
  kill(member: number): Promise<void>;
  /** Starts it again, with its disk as it is. */
  restart(member: number): Promise<void>;
  /** Stops a member in its tracks: it holds its connections, and says nothing. */
  pause(member: number): void;
  /** Lets it go on. */
  resume(member: number): void;
  stop(): Promise<void>;
}

/** Where they come from. */
export interface X5Source {
  /** A registry that has seen nothing; `lost` is told when a process dies that should not. */
  fresh(members: number, lost: (reason: Error) => void): Promise<X5Group>;
}

/** Starts the members as child processes on 127.0.0.1. */
export class X5ChildGroups implements X5Source {
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  async fresh(members: number, lost: (reason: Error) => void): Promise<X5Group> {
    const onDeath = (line: string) => {
      this.#say(line);
      lost(new Error("one of its processes died"));
    };
    const plan = await planRegistry(members);
    const starting = plan.urls.map((_, at) => plan.start(at + 1, onDeath));
    const started = await Promise.allSettled(starting);
    const children = started.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
    const stop = async () => {
      await Promise.all(children.map((child) => child.stop()));
      plan.forget();
    };
    const failed = started.find((it) => it.status === "rejected");
    if (failed !== undefined) {
      await stop();
      throw failed.reason;
    }
    const child = (member: number) => children[member - 1] as Child;
    return {
      urls: plan.urls,
      kill: (member) => child(member).kill(),
      restart: (member) => child(member).revive(),
      pause: (member) => child(member).pause(),
      resume: (member) => child(member).resume(),
      stop,
    };
  }
}
