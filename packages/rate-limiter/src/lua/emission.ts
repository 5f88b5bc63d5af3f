// Exact multiples of window / limit: the twin of ../emission.ts. Lua's numbers are doubles too, and
// what is exact there is exact here.
export const EMISSION: string = `
local floor, ceil, max, min, fmod = math.floor, math.ceil, math.max, math.min, math.fmod

-- The interval of another limit, under which something was stored.
local function emission_of(limit, window_us)
  local a, b = window_us, limit
  while b ~= 0 do a, b = b, fmod(a, b) end
  local parts = limit / a
  return { limit = limit, window_us = window_us, whole = floor(window_us / limit),
    part = fmod(window_us / a, parts), parts = parts }
end

local function us_of(rule, units)
  if rule.part == 0 then return units * rule.whole end
  return units * rule.whole + floor(units * rule.part / rule.parts)
end

local function rest_of(rule, units)
  if rule.part == 0 then return 0 end
  local product = units * rule.part
  return product - floor(product / rule.parts) * rule.parts
end

local function fits(rule, units, us, rest)
  local whole = us_of(rule, units)
  return whole < us or (whole == us and rest_of(rule, units) <= rest)
end

local function units_in(rule, us, rest)
  if us < 0 then return 0 end
  if rule.part == 0 then return floor(us / rule.whole) end
  local units = floor((us * rule.parts + rest) / (rule.whole * rule.parts + rule.part))
  if not fits(rule, units, us, rest) then return units - 1 end
  if fits(rule, units + 1, us, rest) then return units + 1 end
  return units
end
`;
