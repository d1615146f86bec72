-- wrk script of every subject with kept connections: one issue call per request. Plain string concatenation: wrk.format costs more
-- than nginx does. Settings come from the environment, see wrk.ts.
require("report")
local first_user = tonumber(os.getenv("BENCH_FIRST_USER"))
local users = tonumber(os.getenv("BENCH_USERS"))
local first_coupon = tonumber(os.getenv("BENCH_FIRST_COUPON"))
local coupons = tonumber(os.getenv("BENCH_COUPONS"))
local tag = os.getenv("BENCH_RUN_TAG")

local sent = 0

function request()
  local user = first_user + sent % users
  local coupon = first_coupon + sent % coupons
  sent = sent + 1
  return "POST /api/v1/coupons/call/" .. coupon .. " HTTP/1.1\r\nHost: bench\r\nX-USER-ID: " .. user
    .. "\r\nX-Request-ID: " .. tag .. string.format("%016d", sent) .. "\r\nContent-Length: 0\r\n\r\n"
end
