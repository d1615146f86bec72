-- wrk script: reads of "my coupons", of a random one of the users below BENCH_USERS each.
require("report")
local users = tonumber(os.getenv("BENCH_USERS"))

function request()
  return "GET /api/v1/users/me/coupons HTTP/1.1\r\nHost: bench\r\nX-USER-ID: u" .. math.random(users) .. "\r\n\r\n"
end
