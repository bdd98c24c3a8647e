-- The requests of one measure, for wrk: -- <operation> <tokens> <ids> <seed>
-- tokens: one a line. ids: "<id> <numbers of tokens that may, from 0, comma separated>" a line; `complete` and
-- `summary-cold` take them in order, each once.
function setup(thread)
  threads = (threads or 0) + 1
  thread:set("number", threads - 1)
end

local function lines_of(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = line end
  return list
end

function init(arguments)
  local operation, tokens, seed = arguments[1], lines_of(arguments[2]), tonumber(arguments[4])
  local ids = arguments[3] == "-" and {} or lines_of(arguments[3])
  math.randomseed(seed + number)
  local tails = {}
  for i, token in ipairs(tokens) do
    tails[i] = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\nAuthorization: Bearer " .. token .. "\r\n"
  end
  local function pick(line)
    local id, allowed = line:match("^(%S+) (%S+)$")
    local numbers = {}
    for n in allowed:gmatch("%d+") do numbers[#numbers + 1] = tonumber(n) end
    return id, tails[numbers[math.random(#numbers)] + 1]
  end
  local function any() return pick(ids[math.random(#ids)]) end
  -- Few enough to be kept all the time.
  local function kept() return pick(ids[math.random(math.min(#ids, 100))]) end
  local at = 0
  local function following()
    at = at % #ids + 1
    return pick(ids[at])
  end
  local make = {
    ["healthz"] = function() return "GET /healthz HTTP/1.1\r\nHost: " .. wrk.host .. "\r\n\r\n" end,
    ["deals"] = function() return "GET /api/deals" .. tails[math.random(#tails)] .. "\r\n" end,
    ["task"] = function()
      local id, tail = any()
      return "GET /api/tasks/" .. id .. tail .. "\r\n"
    end,
    ["summary"] = function()
      local id, tail = kept()
      return "GET /api/deals/" .. id .. "/summary" .. tail .. "\r\n"
    end,
    ["summary-cold"] = function()
      local id, tail = following()
      return "GET /api/deals/" .. id .. "/summary" .. tail .. "\r\n"
    end,
    ["complete"] = function()
      local id, tail = following()
      return "POST /api/tasks/" .. id .. "/complete" .. tail .. "Content-Length: 0\r\n\r\n"
    end,
  }
  request = make[operation]
end

function done(summary, latency)
  local file = io.open(os.getenv("BENCH_OUT"), "w")
  file:write(string.format(
    '{"requests":%d,"seconds":%.6f,"bytes":%d,"p50":%.3f,"p95":%.3f,"p99":%.3f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
  file:close()
end
