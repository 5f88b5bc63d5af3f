// The time that a leader writes into the log. It goes on from the last time in the log, at the pace
// of the leader's monotonic clock: no wall clock is asked, so none that is wrong or steps can end a
// lease early. While nobody leads, it stands still. A lease then lasts longer by as much, which is
// what its holder would want: nobody was there to renew it with.

/** What a leader knows about the time. */
export class LogTime {
  #term = 0;
  #logMs = 0;
  #atMs = 0;

  /**
   * The time for the next command: `loggedMs` is the log's as far as it was applied here, `nowMs`
   * the process's. In whole milliseconds; in one term, never less than before.
   */
  stamp(term: number, loggedMs: number, nowMs: number): number {
    const goneMs = term === this.#term ? this.#logMs + Math.floor(nowMs - this.#atMs) : 0;
    if (term === this.#term && goneMs >= loggedMs) return goneMs;
    // A new term, or more of the log than was known when it began.
    this.#term = term;
    this.#logMs = loggedMs;
    this.#atMs = nowMs;
    return loggedMs;
  }
}
