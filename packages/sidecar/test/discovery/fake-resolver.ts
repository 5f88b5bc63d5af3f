// A DNS of this test's own: answers that change, failures, and lookups that never end.
import type { ResolvedAddress, Resolver } from "../../src/discovery/resolver.ts";

export class FakeResolver implements Resolver {
  /** Names that were asked for, in order. */
  readonly asked: string[] = [];
  readonly #answers = new Map<string, readonly string[] | "failure" | "silence">();

  /** What is known of the name from now on; a name of which nothing is known has no address. */
  tell(name: string, answer: readonly string[] | "failure" | "silence"): void {
    this.#answers.set(name, answer);
  }

  async resolve(name: string): Promise<readonly ResolvedAddress[]> {
    this.asked.push(name);
    const answer = this.#answers.get(name) ?? [];
    if (answer === "failure") throw new Error("SERVFAIL");
    if (answer === "silence") return await new Promise(() => {});
    return answer.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  }
}
