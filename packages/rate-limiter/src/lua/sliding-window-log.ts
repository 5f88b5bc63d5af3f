// The twin of ../sliding-window-log.ts. Stored: a list of entries "at:cost:total" in the order of
// their times, total being the sum of all costs up to and with this one. So what is used, and who
// has to leave before a cost fits, are found by bisection, not by reading the log.
export const SLIDING_WINDOW_LOG: string = `
algorithms['sliding-window-log'] = function()
  local log = {}

  local function parse(text)
    local at, cost, total = string.match(text, '^(%d+):(%d+):(%d+)$')
    return { at = tonumber(at), cost = tonumber(cost), total = tonumber(total) }
  end

  local function text_of(entry)
    return string.format('%.0f:%.0f:%.0f', entry.at, entry.cost, entry.total)
  end

  local function entry_at(key, index)
    return parse(redis.call('LINDEX', key, index))
  end

  -- The first index from low on whose entry is as wanted; length if none is.
  local function search(key, low, length, is_wanted)
    local high = length
    while low < high do
      local middle = floor((low + high) / 2)
      if is_wanted(entry_at(key, middle)) then high = middle else low = middle + 1 end
    end
    return low
  end

  local function mend(state, rule)
    for index, text in ipairs(redis.call('LRANGE', state.key, 0, -1)) do
      local entry = parse(text)
      entry.at = min(entry.at, now + rule.reserve_us)
      redis.call('LSET', state.key, index - 1, text_of(entry))
      state.last = entry
    end
  end

  local function trim(state)
    if state.first > 0 then redis.call('LTRIM', state.key, state.first, -1) end
    state.length, state.first = state.length - state.first, 0
  end

  -- Sums go on for as long as the log is never empty: before they are too large to be counted
  -- exactly, what has left is taken off.
  local function begin_again(state)
    for index, text in ipairs(redis.call('LRANGE', state.key, 0, -1)) do
      local entry = parse(text)
      entry.total = entry.total - state.before
      redis.call('LSET', state.key, index - 1, text_of(entry))
      state.last = entry
    end
    state.before = 0
  end

  function log.load(key, rule)
    local state = { key = key, length = redis.call('LLEN', key), first = 0, used = 0, before = 0 }
    if state.length == 0 then return state end
    state.last = entry_at(key, -1)
    if state.last.at > now + rule.reserve_us then mend(state, rule) end
    local oldest = now - rule.window_us
    local head = entry_at(key, 0)
    if head.at <= oldest then
      state.first = search(key, 1, state.length, function(entry) return entry.at > oldest end)
      if state.first == state.length then return state end
      head = entry_at(key, state.first)
    end
    state.before = head.total - head.cost
    state.used = state.last.total - state.before
    return state
  end

  function log.wait(state, rule, cost)
    if cost > rule.limit then return NEVER end
    local at_us = now
    if state.used > 0 then at_us = max(now, state.last.at) end
    local over = state.used - rule.limit + cost
    if over > 0 then
      local gone = state.before + over
      local index = search(state.key, state.first, state.length, function(entry)
        return entry.total >= gone
      end)
      at_us = max(at_us, entry_at(state.key, index).at + rule.window_us)
    end
    return at_us - now
  end

  function log.charge(state, rule, cost)
    local at_us = now + log.wait(state, rule, cost)
    trim(state)
    local total = 0
    if state.used > 0 then
      if state.last.total + cost > 2^53 - 1 then begin_again(state) end
      total = state.last.total
    else
      state.before = 0
    end
    if state.used > 0 and state.last.at == at_us then
      state.last.cost, state.last.total = state.last.cost + cost, total + cost
      redis.call('LSET', state.key, -1, text_of(state.last))
    else
      state.last = { at = at_us, cost = cost, total = total + cost }
      redis.call('RPUSH', state.key, text_of(state.last))
      state.length = state.length + 1
    end
    state.used = state.used + cost
  end

  function log.refund(state, rule, cost)
    trim(state)
    local left = min(cost, state.used)
    while left > 0 do
      local entry = entry_at(state.key, -1)
      local taken = min(left, entry.cost)
      left, state.used = left - taken, state.used - taken
      if taken == entry.cost then
        redis.call('RPOP', state.key)
        state.length = state.length - 1
      else
        entry.cost, entry.total = entry.cost - taken, entry.total - taken
        redis.call('LSET', state.key, -1, text_of(entry))
      end
    end
    if state.used > 0 then state.last = entry_at(state.key, -1) end
  end

  function log.remaining(state, rule)
    if state.used > 0 and state.last.at > now then return 0 end
    return max(0, rule.limit - state.used)
  end

  function log.full(state, rule)
    return state.used > 0 and state.last.at + rule.window_us or 0
  end

  -- The entries are written already; what is left is when the list may go.
  function log.save(key, rule, state)
    local full_us = log.full(state, rule)
    if full_us > now then
      redis.call('PEXPIRE', key, milliseconds(full_us))
    else
      redis.call('DEL', key)
    end
  end

  return log
end
`;
