// What is around the algorithms: reading the request, deciding in order, writing what has changed,
// and the reply. One call answers for any number of decisions, each over any number of windows.
//
//   KEYS     the keys of all windows, in the order of the decisions; before those of a decision
//            that has an idempotency key, the key of its answer
//   ARGV[1]  the rules: lists separated by ";", the rules of a list by ",", numbers by spaces
//   ARGV[2]  the decisions, separated by spaces, each "verb,cost,list,answer,argument" with
//              verb      t take, p peek, r reserve, f refund, d reset, l release
//              list      the number of its list of rules, from 1
//              answer    for how many ms its answer is kept; 0: not at all
//              argument  take, reserve: the longest wait in ms; release: the lease
//            "t" alone is "t,1,1,0," and 2^52; "g,n" makes one decision of the n that follow it
//
// The reply is one string with six doubles for each decision: the wait in µs (infinity: never;
// -1: failed, and the reason is a second string), what remains, µs until full, the number of the
// window that binds, µs of delay, and the lease. (To read them as integers of the protocol would
// be a quarter of what a client does for a decision.)
//
// What is looked at twice in a call, as the key of a busy tenant is, is read and written once. A
// denied request writes nothing, unless the clock was set back and the state has to be mended.

/** Before the algorithms. `%NOW%` stands for where the time comes from. */
export const HEAD: string = `
local NEVER = math.huge
local now = %NOW%
local algorithms = {}

local function milliseconds(until_us)
  return string.format('%d', math.ceil((until_us - now) / 1000))
end

-- A key that is full again is as good as none: that is when it expires.
local function store(key, full_us, packed)
  if full_us > now then
    redis.call('SET', key, packed, 'PX', milliseconds(full_us))
  else
    redis.call('DEL', key)
  end
end
`;

/** The server's clock, in whole µs. */
export const SERVER_TIME = "(function(t) return t[1] * 1000000 + t[2] end)(redis.call('TIME'))";

/** After the algorithms. */
export const MAIN: string = `
local FIELDS = {
  'limit', 'window_us', 'capacity', 'reserve_us',
  'whole', 'part', 'parts', 'tolerance_us', 'tolerance_rest', 'ahead_us', 'part_us',
}

local made = {}
local function algorithm_of(name)
  local algorithm = made[name]
  if not algorithm then
    algorithm = algorithms[name]()
    made[name] = algorithm
  end
  return algorithm
end

local lists = {}
for list in string.gmatch(ARGV[1], '[^;]+') do
  local rules = {}
  for text in string.gmatch(list, '[^,]+') do
    local name, numbers = string.match(text, '^(%S+)(.*)$')
    local rule = { algorithm = algorithm_of(name), queues = name == 'leaky-bucket-queue' }
    local field = 0
    for number in string.gmatch(numbers, '%S+') do
      field = field + 1
      rule[FIELDS[field]] = tonumber(number)
    end
    rules[#rules + 1] = rule
  end
  lists[#lists + 1] = rules
end

local function pack_reply(wait_us, remaining, full_us, binding, delay_us, lease)
  return struct.pack('<dddddd', wait_us, remaining, full_us, binding, delay_us, lease)
end
local FAILED = pack_reply(-1, 0, 0, 1, 0, 0)

-- What has been read, by key; and what is to be written, in order.
local held, changed = {}, {}

local function save(window)
  if window.is_changed then
    window.rule.algorithm.save(window.key, window.rule, window.state)
    window.is_changed = false
  end
end

local function mark(window)
  if not window.is_changed then changed[#changed + 1] = window end
  window.is_changed = true
end

local function window_of(key, rule)
  local window = held[key]
  if window and window.rule ~= rule then
    save(window)
    window = nil
  end
  if not window then
    window = { key = key, rule = rule, state = rule.algorithm.load(key, rule) }
    held[key] = window
  end
  return window
end

local next_key = 0
local function take_key()
  next_key = next_key + 1
  return KEYS[next_key]
end

-- The windows of the decision at hand, and the cost for each. The same two tables serve every
-- decision: new ones would cost more than the decision does.
local windows, costs, count = {}, {}, 0

local function add_windows(token)
  for _, rule in ipairs(lists[token.list]) do
    count = count + 1
    windows[count], costs[count] = window_of(take_key(), rule), token.cost
  end
end

local function full_of(window)
  return max(now, window.rule.algorithm.full(window.state, window.rule))
end

local function refuse_or_take(verb, longest_ms)
  local wait_us, binding = 0, 1
  local reserve_us, delay_us, queue = NEVER, 0, 1
  for index = 1, count do
    local window = windows[index]
    local rule, state = window.rule, window.state
    local us = rule.algorithm.wait(state, rule, costs[index])
    if us > wait_us then wait_us, binding = us, index end
    reserve_us = min(reserve_us, rule.reserve_us)
    local turn_us = rule.queues and full_of(window) - now or 0
    if turn_us > delay_us then delay_us, queue = turn_us, index end
    if state.mended then mark(window) end
  end
  if verb == 't' and wait_us == 0 and delay_us > longest_ms * 1000 then
    wait_us, binding = delay_us - longest_ms * 1000, queue
  end
  local takes = verb == 't' and wait_us == 0
  if verb == 'r' then
    local wait_ms = ceil(wait_us / 1000)
    takes = wait_ms * 1000 <= reserve_us and max(wait_ms, delay_us / 1000) <= longest_ms
  end
  local lease, remaining = 0, NEVER
  for index = 1, count do
    local window = windows[index]
    local rule, state = window.rule, window.state
    if takes then
      lease = rule.algorithm.charge(state, rule, costs[index]) or lease
      mark(window)
    end
    local left = rule.algorithm.remaining(state, rule)
    if left <= remaining then
      local is_scarcer = left < remaining
      remaining = left
      if wait_us == 0 and (is_scarcer or full_of(window) > full_of(windows[binding])) then
        binding = index
      end
    end
  end
  local bound = windows[binding]
  local full_us = full_of(bound) - now
  return pack_reply(wait_us, remaining, full_us, binding, delay_us, lease)
end

local CHANGES = {
  f = function(window, cost)
    window.rule.algorithm.refund(window.state, window.rule, cost)
    return 0
  end,
  l = function(window, _, lease)
    local release = window.rule.algorithm.release
    return release and release(window.state, lease) and 1 or 0
  end,
}

local function change(verb, argument)
  local released = 0
  for index = 1, count do
    local window = windows[index]
    local done = CHANGES[verb](window, costs[index], argument)
    released = max(released, done)
    -- To release is nothing to a window without leases.
    if verb == 'f' or done == 1 or window.state.mended then mark(window) end
  end
  return pack_reply(0, 0, 0, 1, 0, released)
end

local function reset(token)
  for _ = 1, #lists[token.list] do
    local key = take_key()
    if held[key] then held[key].is_changed = false end
    held[key] = nil
    redis.call('DEL', key)
  end
  return pack_reply(0, 0, 0, 1, 0, 0)
end

-- No turn is too far away: 2^52 ms.
local DEFAULT = { verb = 't', cost = 1, list = 1, answer = 0, argument = 4503599627370496 }

local function parse(text)
  if text == 't' then return DEFAULT end
  local verb, cost, list, answer, argument = string.match(text, '^(%l),(%d+),(%d+),(%d+),(%d+)$')
  return { verb = verb, cost = tonumber(cost), list = tonumber(list),
    answer = tonumber(answer), argument = tonumber(argument) }
end

local function decide(tokens)
  local first = tokens[1]
  if first.verb == 'd' then return reset(first) end
  local answer_key = first.answer > 0 and take_key()
  local answered = answer_key and redis.call('GET', answer_key)
  if answered and #answered == #FAILED then return answered end
  count = 0
  for _, token in ipairs(tokens) do add_windows(token) end
  if first.verb == 'f' or first.verb == 'l' then return change(first.verb, first.argument) end
  if not answer_key then return refuse_or_take(first.verb, first.argument) end
  local reply = refuse_or_take(first.verb, first.argument)
  if struct.unpack('<d', reply) == 0 then
    redis.call('SET', answer_key, reply, 'PX', string.format('%d', first.answer))
  end
  return reply
end

-- Most decisions take one from a single window, and what that says is the answer: the same as
-- above, with nothing to compare. (And no window is so small that one would never fit.)
local only = #lists[1] == 1 and not lists[1][1].queues and lists[1][1]

local function take_one(key)
  local window = window_of(key, only)
  local state, algorithm = window.state, only.algorithm
  local wait_us = algorithm.wait(state, only, 1)
  local lease = wait_us == 0 and algorithm.charge(state, only, 1) or 0
  if wait_us == 0 or state.mended then mark(window) end
  local remaining = algorithm.remaining(state, only)
  return pack_reply(wait_us, remaining, full_of(window) - now, 1, 0, lease)
end

local replies, failure = {}, nil

local function answer(keys, how, what)
  local keys_before = next_key
  -- One key with a value of somebody else must not fail the others of this call.
  local ok, reply = pcall(how, what)
  if not ok then
    failure = type(reply) == 'table' and reply.err or tostring(reply)
    reply = FAILED
  end
  next_key = keys_before + keys
  replies[#replies + 1] = reply
end

local function answer_all(tokens)
  local keys = tokens[1].answer > 0 and 1 or 0
  for _, token in ipairs(tokens) do keys = keys + #lists[token.list] end
  answer(keys, decide, tokens)
end

local ALONE = { DEFAULT }
local group, group_left = nil, 0
for text in string.gmatch(ARGV[2], '%S+') do
  if text == 't' and not group then
    if only then answer(1, take_one, KEYS[next_key + 1]) else answer_all(ALONE) end
  elseif string.sub(text, 1, 1) == 'g' then
    group, group_left = {}, tonumber(string.sub(text, 3))
  elseif not group then
    answer_all({ parse(text) })
  else
    group[#group + 1] = parse(text)
    group_left = group_left - 1
    if group_left == 0 then
      answer_all(group)
      group = nil
    end
  end
end

for _, window in ipairs(changed) do save(window) end
return { table.concat(replies), failure }
`;
