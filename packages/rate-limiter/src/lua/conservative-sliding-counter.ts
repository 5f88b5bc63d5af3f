// The twin of ../conservative-sliding-counter.ts. Stored: the number of the newest part and the
// length of a part, then the counts, the newest first.
export const CONSERVATIVE_SLIDING_COUNTER: string = `
algorithms['conservative-sliding-counter'] = function()
  local counter = {}

  -- state.counts[1] is the newest part, number state.index; there are rule.parts + 1 of them.
  local function empty(state, slots)
    state.used, state.counts = 0, {}
    for age = 1, slots do state.counts[age] = 0 end
  end

  local function move_to(state, slots, index)
    local steps = min(index - state.index, slots)
    for _ = 1, steps do
      state.used = state.used - table.remove(state.counts)
      table.insert(state.counts, 1, 0)
    end
    state.index = index
  end

  function counter.load(key, rule)
    local slots = rule.parts + 1
    local state = { index = floor(now / rule.part_us) }
    empty(state, slots)
    local stored = redis.call('GET', key)
    if not stored then return state end
    local part_us
    state.index, part_us = struct.unpack('<dd', stored)
    local stored_slots = #stored / 8 - 2
    for age = 1, min(slots, stored_slots) do
      state.counts[age] = struct.unpack('<d', stored, age * 8 + 9)
      state.used = state.used + state.counts[age]
    end
    if part_us ~= rule.part_us or stored_slots ~= slots then
      counter.settle(state, { part_us = part_us, parts = rule.parts, reserve_us = rule.reserve_us })
      local used = state.used
      empty(state, slots)
      state.index, state.used, state.counts[1] = floor(now / rule.part_us), used, used
    end
    counter.settle(state, rule)
    return state
  end

  function counter.settle(state, rule)
    local index = floor(now / rule.part_us)
    if state.index < index then
      move_to(state, rule.parts + 1, index)
    elseif state.index > index then
      local latest = floor((now + rule.reserve_us) / rule.part_us)
      if state.index > latest then
        state.index, state.mended = latest, true
        -- How far the newest had come is not known: each older part becomes a part younger.
        state.counts[1] = state.counts[1] + table.remove(state.counts, 2)
        state.counts[rule.parts + 1] = 0
      end
    end
  end

  function counter.wait(state, rule, cost)
    if cost > rule.limit then return NEVER end
    local at_us = max(now, state.index * rule.part_us)
    local over = state.used + cost - rule.limit
    local age = rule.parts + 1
    while over > 0 do
      over = over - state.counts[age]
      local leaves = state.index - age + 1 + rule.parts + 1
      at_us = max(at_us, leaves * rule.part_us)
      age = age - 1
    end
    return at_us - now
  end

  function counter.charge(state, rule, cost)
    local index = floor((now + counter.wait(state, rule, cost)) / rule.part_us)
    if index > state.index then move_to(state, rule.parts + 1, index) end
    state.counts[1] = state.counts[1] + cost
    state.used = state.used + cost
  end

  function counter.refund(state, rule, cost)
    local left = min(cost, state.used)
    state.used = state.used - left
    for age = 1, rule.parts + 1 do
      local taken = min(left, state.counts[age])
      state.counts[age] = state.counts[age] - taken
      left = left - taken
    end
  end

  function counter.remaining(state, rule)
    if state.index * rule.part_us > now then return 0 end
    return max(0, rule.limit - state.used)
  end

  function counter.full(state, rule)
    for age = 1, rule.parts + 1 do
      if state.counts[age] > 0 then return (state.index - age + 2 + rule.parts) * rule.part_us end
    end
    -- A reservation that was given back leaves its part open.
    return state.index * rule.part_us
  end

  function counter.save(key, rule, state)
    local packed = { struct.pack('<dd', state.index, rule.part_us) }
    for age = 1, rule.parts + 1 do packed[age + 1] = struct.pack('<d', state.counts[age]) end
    store(key, counter.full(state, rule), table.concat(packed))
  end

  return counter
end
`;
