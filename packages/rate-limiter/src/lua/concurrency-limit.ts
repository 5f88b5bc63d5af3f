// The twin of ../concurrency-limit.ts. Stored: the number of leases so far, then the leases in the
// order of their times: identity, time and cost. A limit on what is in flight is small, and so is
// what is read and written here: 24 bytes a lease.
export const CONCURRENCY_LIMIT: string = `
algorithms['concurrency-limit'] = function()
  local leases = {}

  function leases.load(key, rule)
    -- Numbers of leases begin at the time: as long as the clock is not set back, one that has run
    -- out is never mistaken for a later one.
    local state = { count = now, used = 0 }
    local stored = redis.call('GET', key)
    if not stored then return state end
    state.count = struct.unpack('<d', stored)
    for position = 9, #stored, 24 do
      local id, at, cost = struct.unpack('<ddd', stored, position)
      if at > now then at, state.mended = now, true end
      if at > now - rule.window_us then
        state[#state + 1] = { id = id, at = at, cost = cost }
        state.used = state.used + cost
      end
    end
    return state
  end

  function leases.wait(state, rule, cost)
    if cost > rule.limit then return NEVER end
    local wait_us = 0
    local over = state.used + cost - rule.limit
    local oldest = 1
    while over > 0 do
      over = over - state[oldest].cost
      wait_us = state[oldest].at + rule.window_us - now
      oldest = oldest + 1
    end
    return wait_us
  end

  function leases.charge(state, rule, cost)
    state.count = state.count + 1
    state[#state + 1] = { id = state.count, at = now, cost = cost }
    state.used = state.used + cost
    return state.count
  end

  function leases.release(state, id)
    for index, lease in ipairs(state) do
      if lease.id == id then
        state.used = state.used - lease.cost
        table.remove(state, index)
        return true
      end
    end
    return false
  end

  -- A place belongs to its lease.
  function leases.refund() end

  function leases.remaining(state, rule)
    return max(0, rule.limit - state.used)
  end

  function leases.full(state, rule)
    return state.used > 0 and state[#state].at + rule.window_us or 0
  end

  function leases.save(key, rule, state)
    local until_us = leases.full(state, rule)
    -- Even without a lease, until the clock has caught up with the numbers: a new key would begin
    -- with numbers that have been given, and who releases twice would release somebody else.
    if state.used == 0 then until_us = min(state.count + 1, now + rule.window_us) end
    local packed = { struct.pack('<d', state.count) }
    for index, lease in ipairs(state) do
      packed[index + 1] = struct.pack('<ddd', lease.id, lease.at, lease.cost)
    end
    store(key, until_us, table.concat(packed))
  end

  return leases
end
`;
