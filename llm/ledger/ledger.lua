-- The steps of a quota store, one script: KEYS[1] prefix of the ledger's keys, ARGV[1] the step, ARGV[2] its JSON.
-- The same algorithm as sqlite.py, on Redis's own clock. Answers are JSON.
--   <p>:clock   hash   id, seen (never goes back), timezone, seq
--   <p>:bucket  hash   scope US span US column -> amount     (columns: 1 calls 2 tokens 3 usd_micros 4 unpriced)
--   <p>:call:N  hash   one call;  <p>:lease, <p>:log zset of N by deadline, by time;  <p>:recent:LANE by time sent
--   <p>:health  hash   LANE US until | cause | failures

local prefix, step, ask = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
local US = '\31'
local function key(name) return prefix .. ':' .. name end
local function seconds(t) return string.format('%.6f', t) end
local function whole(n) return string.format('%.0f', n) end

local function read_clock()
  local t = redis.call('TIME')
  local told = ask.clock or (tonumber(t[1]) + tonumber(t[2]) / 1e6)
  local seen = tonumber(redis.call('HGET', key('clock'), 'seen') or '0')
  if told < seen - ask.slack_s then return nil, seen - told end
  return math.max(told, seen)
end

local now, ahead = read_clock()
if not now then return cjson.encode({ 'ahead', ahead }) end

local function day_of(instant)
  for _, day in ipairs(ask.days) do
    if day[2] <= instant and instant < day[3] then return day end
  end
end

if ask.days and not day_of(now) then return cjson.encode({ 'again', now }) end
redis.call('HSET', key('clock'), 'seen', seconds(now))

local function day_row(scope, label) return scope .. US .. 'day ' .. label end
local function open_row(lane) return lane .. US .. 'open' end
local function minute_row(lane) return lane .. US .. 'minute' end
local function rows(lane, run, label)
  return { US .. 'run ' .. run, day_row('', label), day_row(lane, label), minute_row(lane), open_row(lane) }
end

local function add(row, cost, sign)
  for column = 1, 4 do
    if cost[column] ~= 0 then
      redis.call('HINCRBY', key('bucket'), row .. US .. column, whole(sign * cost[column]))
    end
  end
end

local function used(row)
  local found = redis.call('HMGET', key('bucket'), row .. US .. 1, row .. US .. 2, row .. US .. 3, row .. US .. 4)
  for column = 1, 4 do found[column] = tonumber(found[column] or '0') end
  return found
end

local function load(id)
  local v = redis.call('HMGET', key('call:' .. id), 'lane', 'run', 'day', 'state', 'at', 'tokens', 'usd', 'unpriced')
  if not v[1] then return nil end
  local cost = { 1, tonumber(v[6]), tonumber(v[7]), tonumber(v[8]) }
  return { id = id, lane = v[1], run = v[2], day = v[3], state = v[4], at = tonumber(v[5]), cost = cost }
end

local function held()
  local call = load(ask.id)
  if call and call.run == ask.run then return call end
end

local function finish(call, state)
  redis.call('HSET', key('call:' .. call.id), 'state', state)
  redis.call('ZREM', key('lease'), call.id)
end

local function close(call, state)
  if state == 'released' then
    for _, row in ipairs(rows(call.lane, call.run, call.day)) do add(row, call.cost, -1) end
    redis.call('ZREM', key('log'), call.id)
    redis.call('DEL', key('call:' .. call.id))
    redis.call('ZREM', key('lease'), call.id)
  else
    add(open_row(call.lane), call.cost, -1)
    finish(call, state)
  end
end

local function expire()
  local released, charged = 0, 0
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('lease'), '-inf', seconds(now))) do
    local call = load(id)
    if call.state == 'reserved' then
      released = released + 1
      close(call, 'released')
    else
      charged = charged + 1
      close(call, 'charged')
    end
  end
  return released, charged
end

local function forget(lane)
  local recent, border = key('recent:' .. lane), seconds(now - ask.minute_s)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', recent, '-inf', border)) do
    local call = load(id)
    if call then add(minute_row(lane), call.cost, -1) end
  end
  redis.call('ZREMRANGEBYSCORE', recent, '-inf', border)
end

local function count_days_anew()
  if redis.call('HGET', key('clock'), 'timezone') == ask.timezone then return end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('log'), seconds(ask.days[1][2]), '+inf')) do
    local call = load(id)
    local day = day_of(call.at)
    if day and day[1] ~= call.day then
      for _, scope in ipairs({ '', call.lane }) do
        add(day_row(scope, call.day), call.cost, -1)
        add(day_row(scope, day[1]), call.cost, 1)
      end
      redis.call('HSET', key('call:' .. id), 'day', day[1])
    end
  end
  redis.call('HSET', key('clock'), 'timezone', ask.timezone)
end

local function health(lane)
  local v = redis.call('HMGET', key('health'), lane .. US .. 'until', lane .. US .. 'failures', lane .. US .. 'cause')
  return math.max(0, tonumber(v[1] or '0') - now), tonumber(v[2] or '0'), v[3] or ''
end

local function wait(row, lane)
  if row == 1 or row == 2 then return day_of(now)[3] - now end
  if row ~= 3 then return -1 end
  local oldest = redis.call('ZRANGE', key('recent:' .. lane), 0, 0, 'WITHSCORES')
  if not oldest[2] then return ask.minute_s end
  return math.max(0, tonumber(oldest[2]) + ask.minute_s - now)
end

local function refusal(amounts)
  local cooling, failures = health(ask.lane)
  if cooling > 0 then return { 'no', 'cooldown', cooling } end
  if failures >= ask.breaker_after and amounts[5][1] > 0 then return { 'no', 'circuit_open', -1 } end
  for _, check in ipairs(ask.checks) do
    local row, column, more, cap, name = unpack(check)
    if amounts[row + 1][column + 1] + more > cap then return { 'no', name, wait(row, ask.lane) } end
  end
end

local function keep(cost, day)
  local id = whole(redis.call('HINCRBY', key('clock'), 'seq', 1))
  redis.call('HSET', key('call:' .. id), 'lane', ask.lane, 'run', ask.run, 'day', day[1], 'state', 'reserved',
    'at', seconds(now), 'tokens', whole(cost[2]), 'usd', whole(cost[3]), 'unpriced', cost[4])
  -- A reservation ends with its day: sent after midnight, it would be counted in the wrong one.
  redis.call('ZADD', key('lease'), seconds(math.min(now + ask.hold_s, day[3])), id)
  redis.call('ZADD', key('log'), seconds(now), id)
  return id
end

local steps = {}

function steps.reserve()
  count_days_anew()
  expire()
  forget(ask.lane)
  local day = day_of(now)
  local buckets, amounts = rows(ask.lane, ask.run, day[1]), {}
  for i, row in ipairs(buckets) do amounts[i] = used(row) end
  local no = refusal(amounts)
  if no then return no end
  local cost = { 1, ask.tokens, ask.usd_micros, ask.unpriced }
  for _, row in ipairs(buckets) do add(row, cost, 1) end
  return { 'yes', tonumber(keep(cost, day)) }
end

function steps.mark_sent()
  expire()
  local call = held()
  if not call or call.state ~= 'reserved' then return { 'no', 'lease', -1 } end
  local cooling = health(call.lane)
  if cooling > 0 then
    close(call, 'released')
    return { 'no', 'cooldown', cooling }
  end
  redis.call('HSET', key('call:' .. call.id), 'state', 'sent')
  redis.call('ZADD', key('recent:' .. call.lane), seconds(now), call.id)
  redis.call('ZADD', key('lease'), seconds(now + ask.lease_s), call.id)
  return { 'yes' }
end

function steps.settle()
  local call = held()
  if not call or call.state == 'settled' then return { 'yes' } end
  if call.state == 'reserved' then return { 'misuse', 'a call is settled after it was sent' } end
  local actual = { 1, ask.tokens, call.cost[3], call.cost[4] }
  if ask.usd_micros then actual[3], actual[4] = ask.usd_micros, 0 end
  local recent = redis.call('ZSCORE', key('recent:' .. call.lane), call.id)
  for i, row in ipairs(rows(call.lane, call.run, call.day)) do
    if i < 4 or (i == 4 and recent) then
      add(row, call.cost, -1)
      add(row, actual, 1)
    end
  end
  if call.state == 'sent' then add(open_row(call.lane), call.cost, -1) end
  redis.call('HSET', key('call:' .. call.id), 'tokens', whole(actual[2]), 'usd', whole(actual[3]), 'unpriced', actual[4])
  finish(call, 'settled')
  if ask.answered then redis.call('HDEL', key('health'), call.lane .. US .. 'failures') end
  return { 'yes' }
end

function steps.release()
  local call = held()
  if not call then return { 'yes' } end
  if call.state ~= 'reserved' then return { 'misuse', 'a call that was sent can only be settled' } end
  close(call, 'released')
  return { 'yes' }
end

function steps.sweep()
  local released, charged = expire()
  local runs = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('log'), '-inf', seconds(now - ask.keep_calls_s))) do
    local call = load(id)
    if call.state ~= 'sent' then
      forget(call.lane)
      redis.call('DEL', key('call:' .. id))
      redis.call('ZREM', key('log'), id)
    end
  end
  for _, id in ipairs(redis.call('ZRANGE', key('log'), 0, -1)) do runs[load(id).run] = true end
  for _, field in ipairs(redis.call('HKEYS', key('bucket'))) do
    local run, day = field:match(US .. 'run (.*)' .. US), field:match(US .. 'day (.*)' .. US)
    if (run and not runs[run]) or (day and day < ask.oldest_day) then redis.call('HDEL', key('bucket'), field) end
  end
  return { 'yes', released, charged }
end

function steps.cool()
  local left = health(ask.lane)
  if ask.seconds > left then
    redis.call('HSET', key('health'), ask.lane .. US .. 'until', seconds(now + ask.seconds), ask.lane .. US .. 'cause',
      ask.cause)
  end
  return { 'yes' }
end

function steps.failed()
  return { 'yes', redis.call('HINCRBY', key('health'), ask.lane .. US .. 'failures', 1) }
end

local function lanes()
  local found = { [''] = true }
  for _, name in ipairs({ 'bucket', 'health' }) do
    for _, field in ipairs(redis.call('HKEYS', key(name))) do found[field:match('^([^' .. US .. ']*)')] = true end
  end
  return found
end

function steps.standing()
  count_days_anew()
  expire()
  local answer = {}
  for lane in pairs(lanes()) do
    forget(lane)
    local left, failures, cause = health(lane)
    local day = used(day_row(lane, day_of(now)[1]))
    table.insert(answer, { lane, used(minute_row(lane)), day, used(open_row(lane)), left, cause, failures })
  end
  return { 'yes', answer }
end

function steps.history()
  local found, answer = {}, {}
  for _, field in ipairs(redis.call('HKEYS', key('bucket'))) do
    local lane, day = field:match('^([^' .. US .. ']*)' .. US .. 'day (.*)' .. US .. '%d$')
    if day then found[day_row(lane, day)] = { day, lane } end
  end
  for row, name in pairs(found) do table.insert(answer, { name[1], name[2], used(row) }) end
  return { 'yes', answer }
end

return cjson.encode(steps[step]())
