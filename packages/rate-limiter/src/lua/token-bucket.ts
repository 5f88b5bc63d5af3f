// The twin of ../token-bucket.ts. Stored: missing, since (whole µs and rest), and the limit, window
// and capacity under which they were written.
export const TOKEN_BUCKET: string = `
algorithms['token-bucket'] = function()
  local bucket = {}

  local function fill(state)
    state.missing, state.since_us, state.since_rest = 0, now, 0
  end

  function bucket.load(key, rule)
    local state = { missing = 0, since_us = 0, since_rest = 0 }
    local stored = redis.call('GET', key)
    if not stored then fill(state) return state end
    local limit, window_us, capacity
    state.missing, state.since_us, state.since_rest, limit, window_us, capacity =
      struct.unpack('<dddddd', stored)
    if limit ~= rule.limit or window_us ~= rule.window_us or capacity ~= rule.capacity then
      local from = emission_of(limit, window_us)
      from.capacity, from.reserve_us = NEVER, 0
      bucket.settle(state, from)
      state.missing = min(state.missing, rule.capacity)
      state.since_us, state.since_rest = now, 0
    end
    bucket.settle(state, rule)
    return state
  end

  function bucket.settle(state, rule)
    if state.missing == 0 then return fill(state) end
    local over = state.missing - rule.capacity
    local late_us = over > 0 and max(0, us_of(rule, over) - rule.reserve_us) or 0
    if state.since_us > now - late_us then
      state.since_us, state.since_rest, state.mended = now - late_us, 0, true
      return
    end
    local borrow = state.since_rest > 0 and 1 or 0
    local us = now - state.since_us - borrow
    if us < rule.whole then return end
    local dropped = units_in(rule, us, borrow * rule.parts - state.since_rest)
    if dropped >= state.missing then return fill(state) end
    state.missing = state.missing - dropped
    local rest = state.since_rest + rest_of(rule, dropped)
    local carry = rest >= rule.parts and 1 or 0
    state.since_us = state.since_us + us_of(rule, dropped) + carry
    state.since_rest = rest - carry * rule.parts
  end

  function bucket.wait(state, rule, cost)
    if cost > rule.capacity then return NEVER end
    local to_drop = state.missing + cost - rule.capacity
    if to_drop <= 0 then return 0 end
    local rest = state.since_rest + rest_of(rule, to_drop)
    return state.since_us + us_of(rule, to_drop) - now + ceil(rest / rule.parts)
  end

  function bucket.charge(state, rule, cost)
    state.missing = state.missing + cost
  end

  function bucket.refund(state, rule, cost)
    state.missing = state.missing - cost
    if state.missing <= 0 then fill(state) end
  end

  function bucket.remaining(state, rule)
    return max(0, rule.capacity - state.missing)
  end

  function bucket.full(state, rule)
    if state.missing == 0 then return 0 end
    local rest = state.since_rest + rest_of(rule, state.missing)
    return state.since_us + us_of(rule, state.missing) + ceil(rest / rule.parts)
  end

  function bucket.save(key, rule, state)
    store(key, bucket.full(state, rule), struct.pack('<dddddd',
      state.missing, state.since_us, state.since_rest, rule.limit, rule.window_us, rule.capacity))
  end

  return bucket
end
`;
