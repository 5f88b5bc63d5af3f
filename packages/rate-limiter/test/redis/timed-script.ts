// The script of the package on a clock that the test sets, with everything that depends on the
// server's own clock in its hands. The text of the package is not touched; around it stands
//
//   - the time, as a third argument;
//   - keys that expire by that time: the script says for how many ms a key is to be kept, and that
//     is written beside the key and acted upon here, as the server would;
//   - a count of what was written, so that "a denied request changes nothing" can be seen on every
//     one of them; and a complaint about a key that would never expire.
import { createHash } from "node:crypto";
import { makeScript, type Script } from "../../src/lua/script.ts";

/** What a test's script tells after the package's own reply. */
export interface Tally {
  /** Commands that wrote, or tried to. */
  readonly writes: number;
  /** When the first of the keys expires, in ms; 0: there is none. */
  readonly expiresAtMs: number;
  /** How many of the keys were found expired. */
  readonly expired: number;
}

const BEFORE = `
local server = redis
local now_us = tonumber(ARGV[3])
local writes, expired = 0, 0
local READS = { GET = true, LLEN = true, LRANGE = true, LINDEX = true }

local function keep(key, ms)
  -- The server keeps time in whole ms, and a key to the end of its last one.
  local last_ms = math.floor(now_us / 1000) + tonumber(ms)
  server.call('SET', key .. '|until', string.format('%.0f', last_ms))
end

for _, key in ipairs(KEYS) do
  local last = server.call('GET', key .. '|until')
  if last and math.floor(now_us / 1000) > tonumber(last) then
    server.call('DEL', key, key .. '|until')
    expired = expired + 1
  end
end

local redis = {}
function redis.call(command, key, ...)
  if not READS[command] then writes = writes + 1 end
  if command == 'SET' then
    local value, px, ms = ...
    if px ~= 'PX' then error(key .. ' would be kept for ever') end
    keep(key, ms)
    return server.call('SET', key, value)
  end
  if command == 'PEXPIRE' then return keep(key, ...) end
  if command == 'DEL' then return server.call('DEL', key, key .. '|until') end
  return server.call(command, key, ...)
end

local function decide_all()
`;

const AFTER = `
end

local answer = decide_all()
local first_until = 0
for _, key in ipairs(KEYS) do
  if server.call('EXISTS', key) == 1 then
    local last = server.call('GET', key .. '|until')
    if not last then error(key .. ' would be kept for ever') end
    if first_until == 0 then first_until = tonumber(last) end
  end
end
answer[#answer + 1] = writes
answer[#answer + 1] = first_until
answer[#answer + 1] = expired
return answer
`;

/** The package's script, or a mutant's text of it, on the test's clock. */
export function makeTimedScript(mutate: (text: string) => string = (text) => text): Script {
  const text = `${BEFORE}${mutate(makeScript("now_us").text)}${AFTER}`;
  return { text, sha1: createHash("sha1").update(text).digest("hex") };
}
