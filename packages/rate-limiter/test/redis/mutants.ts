// Planted bugs, one for each trap that rate limits in Lua are known to fall into. Each is a place
// in the script's text and what stands there instead; a place that is no longer found fails loudly.

/** A place in the script, and what stands there instead. */
export interface Mutant {
  /** What goes wrong. */
  readonly name: string;
  readonly search: string;
  readonly replacement: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: "a denied request is charged",
    search: "local takes = verb == 't' and wait_us == 0",
    replacement: "local takes = verb == 't' and wait_us ~= NEVER",
  },
  {
    name: "a denied request for one is charged",
    search: "local lease = wait_us == 0 and algorithm.charge(state, only, 1) or 0",
    replacement: "local lease = algorithm.charge(state, only, 1) or 0",
  },
  {
    name: "what a request for one has mended is not written",
    search: "if wait_us == 0 or state.mended then mark(window) end",
    replacement: "if wait_us == 0 then mark(window) end",
  },
  {
    name: "a peek is charged",
    search: "local takes = verb == 't' and wait_us == 0",
    replacement: "local takes = wait_us == 0",
  },
  {
    name: "several windows are charged as far as they allow",
    search: "    if takes then\n      lease",
    replacement:
      "    local us = rule.algorithm.wait(state, rule, costs[index])\n" +
      "    if verb == 't' and us == 0 then\n      lease",
  },
  {
    name: "of several windows the first binds, not the longest wait",
    search: "if us > wait_us then wait_us, binding = us, index end",
    replacement: "if us > wait_us then wait_us = us end",
  },
  {
    name: "a key that is looked at without being changed is written",
    search: "if state.mended then mark(window) end",
    replacement: "mark(window)",
  },
  {
    name: "a state that was mended is not written",
    search: "if state.mended then mark(window) end",
    replacement: "",
  },
  {
    name: "keys are kept for one ms too short",
    search: "math.ceil((until_us - now) / 1000))",
    replacement: "math.ceil((until_us - now) / 1000) - 1)",
  },
  {
    name: "keys are kept for a whole number of ms, rounded down",
    search: "math.ceil((until_us - now) / 1000))",
    replacement: "math.max(1, math.floor((until_us - now) / 1000)))",
  },
  {
    name: "keys are kept for ever",
    search: "redis.call('SET', key, packed, 'PX', milliseconds(full_us))",
    replacement: "redis.call('SET', key, packed)",
  },
  {
    name: "numbers are written as Lua shows them, with 14 digits",
    search: "string.format('%.0f:%.0f:%.0f', entry.at, entry.cost, entry.total)",
    replacement: "entry.at .. ':' .. entry.cost .. ':' .. entry.total",
  },
  {
    name: "numbers are written as floats",
    search: "struct.pack('<ddddd',\n      state.tat_us",
    replacement: "struct.pack('<dfddd',\n      state.tat_us",
  },
  {
    name: "token bucket: the fraction of a µs is lost",
    search: "state.since_rest = rest - carry * rule.parts",
    replacement: "state.since_rest = 0",
  },
  {
    name: "token bucket: the last token of a full bucket is refused",
    search: "local to_drop = state.missing + cost - rule.capacity",
    replacement: "local to_drop = state.missing + cost - rule.capacity + 1",
  },
  {
    name: "token bucket: no clamp when the clock is set back",
    search: "if state.since_us > now - late_us then",
    replacement: "if false then",
  },
  {
    name: "GCRA: the fraction of a µs is lost",
    search: "state.tat_rest = rest - carry * rule.parts",
    replacement: "state.tat_rest = 0",
  },
  {
    name: "GCRA: no clamp when the clock is set back",
    search: "elseif state.tat_us > now + rule.ahead_us then",
    replacement: "elseif false then",
  },
  {
    name: "GCRA: tokens are saved up while nobody comes",
    search: "if state.tat_us < now then\n      state.tat_us, state.tat_rest = now, 0",
    replacement: "if false then",
  },
  {
    name: "fixed window: `<` where a window that is reserved is filled exactly",
    search: "return fmod(count, limit) + cost <= limit and window or window + 1",
    replacement: "return fmod(count, limit) + cost < limit and window or window + 1",
  },
  {
    name: "fixed window: one too many",
    search: "if state.count + cost <= rule.limit then return 0 end",
    replacement: "if state.count + cost <= rule.limit + 1 then return 0 end",
  },
  {
    name: "fixed window: it closes a µs late",
    search: "elapsed_us >= rule.window_us then",
    replacement: "elapsed_us > rule.window_us then",
  },
  {
    name: "log: an entry leaves a µs early",
    search: "if head.at <= oldest then",
    replacement: "if head.at <= oldest + 1 then",
  },
  {
    name: "log: the search stops at the wrong entry",
    search: "function(entry) return entry.at > oldest end",
    replacement: "function(entry) return entry.at >= oldest end",
  },
  {
    name: "log: the sum of what is gone is taken from the wrong side",
    search: "state.before = head.total - head.cost",
    replacement: "state.before = head.total",
  },
  {
    name: "counter: the window before is forgotten",
    search: "state.previous = state.index == index - 1 and state.current or 0",
    replacement: "state.previous = 0",
  },
  {
    name: "conservative counter: the part in which the window ends does not count",
    search: "local slots = rule.parts + 1\n    local state",
    replacement: "local slots = rule.parts\n    local state",
  },
  {
    name: "concurrency limit: a lease never runs out",
    search: "if at > now - rule.window_us then",
    replacement: "if true then",
  },
  {
    name: "concurrency limit: whoever releases twice releases somebody else",
    search:
      "    if state.used == 0 then until_us = min(state.count + 1, now + rule.window_us) end\n",
    replacement: "",
  },
  {
    name: "what two decisions of one call look at is read by each",
    search: "local window = held[key]\n  if window and",
    replacement: "local window = nil\n  if window and",
  },
];
