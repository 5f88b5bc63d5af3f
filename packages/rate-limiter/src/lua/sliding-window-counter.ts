// The twin of ../sliding-window-counter.ts. Stored: the number of the window, the counts of it and
// of the one before, and the limit and the window under which they were written.
export const SLIDING_WINDOW_COUNTER: string = `
algorithms['sliding-window-counter'] = function()
  local counter = {}

  local function elapsed_until(count, room, window_us)
    if count <= room then return 0 end
    local most = room * window_us
    local elapsed_us = ceil(window_us - most / count)
    while elapsed_us > 0 and count * (window_us - (elapsed_us - 1)) <= most do
      elapsed_us = elapsed_us - 1
    end
    while count * (window_us - elapsed_us) > most do elapsed_us = elapsed_us + 1 end
    return elapsed_us
  end

  function counter.load(key, rule)
    local state = { index = 0, current = 0, previous = 0 }
    local stored = redis.call('GET', key)
    if stored then
      local limit, window_us
      state.index, state.current, state.previous, limit, window_us = struct.unpack('<ddddd', stored)
      if window_us ~= rule.window_us then
        local from = { limit = limit, window_us = window_us, reserve_us = rule.reserve_us }
        counter.settle(state, from)
        state.current = max(0, limit - counter.remaining(state, from))
        state.previous, state.index = 0, floor(now / rule.window_us)
      end
    end
    counter.settle(state, rule)
    return state
  end

  function counter.settle(state, rule)
    local index = floor(now / rule.window_us)
    if state.index < index then
      state.previous = state.index == index - 1 and state.current or 0
      state.current, state.index = 0, index
    elseif state.index > index then
      local latest = floor((now + rule.reserve_us) / rule.window_us)
      if state.index > latest then state.index, state.mended = latest, true end
    end
  end

  function counter.wait(state, rule, cost)
    if cost > rule.limit then return NEVER end
    local began_us = state.index * rule.window_us
    local room = rule.limit - state.current - cost
    if room >= 0 then
      local fits_us = elapsed_until(state.previous, room, rule.window_us)
      return began_us + max(0, now - began_us, fits_us) - now
    end
    local fits_us = elapsed_until(state.current, rule.limit - cost, rule.window_us)
    return began_us + rule.window_us + fits_us - now
  end

  function counter.charge(state, rule, cost)
    local index = floor((now + counter.wait(state, rule, cost)) / rule.window_us)
    while state.index < index do
      state.previous, state.current, state.index = state.current, 0, state.index + 1
    end
    state.current = state.current + cost
  end

  function counter.refund(state, rule, cost)
    local left = cost - state.current
    state.current = max(0, -left)
    if left > 0 then state.previous = max(0, state.previous - left) end
  end

  function counter.remaining(state, rule)
    local began_us = state.index * rule.window_us
    if began_us > now then return 0 end
    local room = rule.limit - state.current
    local in_sight = state.previous * (began_us + rule.window_us - now)
    local units = max(0, floor(room - in_sight / rule.window_us))
    if units > 0 and in_sight > (room - units) * rule.window_us then return units - 1 end
    return in_sight <= (room - units - 1) * rule.window_us and units + 1 or units
  end

  function counter.full(state, rule)
    if state.current > 0 then return (state.index + 2) * rule.window_us end
    if state.previous > 0 then return (state.index + 1) * rule.window_us end
    -- A reservation that was given back leaves its window open.
    return state.index * rule.window_us
  end

  function counter.save(key, rule, state)
    store(key, counter.full(state, rule), struct.pack('<ddddd',
      state.index, state.current, state.previous, rule.limit, rule.window_us))
  end

  return counter
end
`;
