-- Sends the requests of a file, looks at every answer, and prints one line of results.
--   wrk -s drive.lua URL -- REQUESTS ENDLESS EXPECTED
-- REQUESTS: file of whole HTTP requests with a zero byte behind each.
-- ENDLESS: "1" begins again at its end; "0" sends each once, then ends the run.
-- EXPECTED: a text that each answer must have in its body. Its status must be 200.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long sec; long usec; } jazzauth_time;
  int gettimeofday(jazzauth_time *, void *);
  int getpid(void);
  int kill(int, int);
]]

local threads = {}

local function now()
  local time = ffi.new("jazzauth_time")
  ffi.C.gettimeofday(time, nil)
  return tonumber(time.sec) * 1e6 + tonumber(time.usec)
end

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  requests = {}
  local file = assert(io.open(arguments[1], "rb"))
  for one in file:read("*a"):gmatch("[^%z]+") do
    requests[#requests + 1] = one
  end
  file:close()
  endless = arguments[2] == "1"
  expected = arguments[3]
  sent, claimed, answered, wrong, wrong_answer = 0, 0, 0, 0, ""
  began, ended = now(), 0
  if not endless then
    -- Asked for before each request. A connection for which none is left waits for the end.
    delay = function()
      claimed = claimed + 1
      return claimed > #requests and 1e9 or 0
    end
  end
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function response(status, _, body)
  answered = answered + 1
  ended = now()
  if status ~= 200 or not body:find(expected, 1, true) then
    wrong = wrong + 1
    if wrong == 1 then
      wrong_answer = status .. " " .. body:sub(1, 200):gsub('[%c"\\]', " ")
    end
  end
  if not endless and answered >= #requests then
    ffi.C.kill(ffi.C.getpid(), 2) -- SIGINT: wrk stops waiting for the end of its time
  end
end

function done(summary, latency, _)
  local t, errors = threads[1], summary.errors
  io.write(string.format(
    'RESULT {"answered":%d,"wrong":%d,"wrong_answer":"%s","took":%d,"p50":%d,"p99":%d,'
    .. '"failed":%d}\n',
    t:get("answered"), t:get("wrong"), t:get("wrong_answer"), t:get("ended") - t:get("began"),
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout))
end
