// The twin of ../fixed-window.ts. Stored: when the window opened, the count, and the limit and the
// window under which they were written.
export const FIXED_WINDOW: string = `
algorithms['fixed-window'] = function()
  local fixed = {}

  local function window_of(count, limit, cost)
    local window = floor(count / limit)
    return fmod(count, limit) + cost <= limit and window or window + 1
  end

  function fixed.load(key, rule)
    local state = { opened_us = now, count = 0 }
    local stored = redis.call('GET', key)
    if not stored then return state end
    local limit, window_us
    state.opened_us, state.count, limit, window_us = struct.unpack('<dddd', stored)
    if limit ~= rule.limit or window_us ~= rule.window_us then
      fixed.settle(state, { limit = limit, window_us = window_us, reserve_us = rule.reserve_us })
      state.count = min(state.count, rule.limit)
    end
    fixed.settle(state, rule)
    return state
  end

  function fixed.settle(state, rule)
    local elapsed_us = now - state.opened_us
    if elapsed_us >= rule.window_us then
      local passed = floor(elapsed_us / rule.window_us)
      state.count = max(0, state.count - passed * rule.limit)
      state.opened_us = state.count == 0 and now or state.opened_us + passed * rule.window_us
    elseif state.count == 0 then
      state.opened_us = now
    elseif elapsed_us < 0 or state.count > rule.limit then
      local reserved_us = (ceil(state.count / rule.limit) - 1) * rule.window_us
      local latest_us = now - max(0, reserved_us - rule.reserve_us)
      if state.opened_us > latest_us then state.opened_us, state.mended = latest_us, true end
    end
  end

  function fixed.wait(state, rule, cost)
    if cost > rule.limit then return NEVER end
    if state.count + cost <= rule.limit then return 0 end
    local window = window_of(state.count, rule.limit, cost)
    return state.opened_us + window * rule.window_us - now
  end

  function fixed.charge(state, rule, cost)
    local opens_at = window_of(state.count, rule.limit, cost) * rule.limit
    state.count = max(state.count, opens_at) + cost
  end

  function fixed.refund(state, rule, cost)
    state.count = max(0, state.count - cost)
    -- Nothing is left in it: the next decision, maybe of this very call, opens a new one.
    if state.count == 0 then state.opened_us = now end
  end

  function fixed.remaining(state, rule)
    return max(0, rule.limit - state.count)
  end

  function fixed.full(state, rule)
    if state.count == 0 then return 0 end
    return state.opened_us + ceil(state.count / rule.limit) * rule.window_us
  end

  function fixed.save(key, rule, state)
    store(key, fixed.full(state, rule), struct.pack('<dddd',
      state.opened_us, state.count, rule.limit, rule.window_us))
  end

  return fixed
end
`;
