// The twin of ../gcra.ts, and of ../leaky-bucket-queue.ts. Stored: the theoretical arrival time
// (whole µs and rest), and the limit, window and capacity under which it was written.
export const GCRA: string = `
algorithms['gcra'] = function()
  local gcra = {}

  function gcra.load(key, rule)
    local state = { tat_us = 0, tat_rest = 0 }
    local stored = redis.call('GET', key)
    if not stored then
      state.tat_us = now
      return state
    end
    local limit, window_us, capacity
    state.tat_us, state.tat_rest, limit, window_us, capacity = struct.unpack('<ddddd', stored)
    if limit ~= rule.limit or window_us ~= rule.window_us or capacity ~= rule.capacity then
      gcra.convert(state, limit, window_us, capacity, rule)
    end
    gcra.settle(state, rule)
    return state
  end

  function gcra.settle(state, rule)
    if state.tat_us < now then
      state.tat_us, state.tat_rest = now, 0
    elseif state.tat_us > now + rule.ahead_us then
      state.tat_us, state.tat_rest, state.mended = now + rule.ahead_us, rule.tolerance_rest, true
    end
  end

  function gcra.convert(state, limit, window_us, capacity, rule)
    local from = emission_of(limit, window_us)
    from.capacity = capacity
    from.tolerance_us, from.tolerance_rest = us_of(from, capacity), rest_of(from, capacity)
    from.ahead_us = from.tolerance_us + rule.reserve_us
    gcra.settle(state, from)
    local owed = capacity - gcra.remaining(state, from)
    state.tat_us, state.tat_rest = now, 0
    gcra.charge(state, rule, min(owed, rule.capacity))
  end

  function gcra.wait(state, rule, cost)
    if cost > rule.capacity then return NEVER end
    local us = state.tat_us + us_of(rule, cost) - rule.tolerance_us - now
    local rest = state.tat_rest + rest_of(rule, cost) - rule.tolerance_rest
    return max(0, us + ceil(rest / rule.parts))
  end

  function gcra.charge(state, rule, cost)
    local rest = state.tat_rest + rest_of(rule, cost)
    local carry = rest >= rule.parts and 1 or 0
    state.tat_us = state.tat_us + us_of(rule, cost) + carry
    state.tat_rest = rest - carry * rule.parts
  end

  function gcra.refund(state, rule, cost)
    -- A turn that nobody uses passes.
    if rule.queues then return end
    local rest = state.tat_rest - rest_of(rule, cost)
    local borrow = rest < 0 and 1 or 0
    state.tat_us = state.tat_us - us_of(rule, cost) - borrow
    state.tat_rest = rest + borrow * rule.parts
    gcra.settle(state, rule)
  end

  function gcra.remaining(state, rule)
    local rest = rule.tolerance_rest - state.tat_rest
    local borrow = rest < 0 and 1 or 0
    local us = now + rule.tolerance_us - state.tat_us - borrow
    return units_in(rule, us, rest + borrow * rule.parts)
  end

  function gcra.full(state, rule)
    return state.tat_us + (state.tat_rest > 0 and 1 or 0)
  end

  function gcra.save(key, rule, state)
    store(key, gcra.full(state, rule), struct.pack('<ddddd',
      state.tat_us, state.tat_rest, rule.limit, rule.window_us, rule.capacity))
  end

  return gcra
end

-- Decides alike; only, everybody waits for the turn.
algorithms['leaky-bucket-queue'] = algorithms['gcra']
`;
