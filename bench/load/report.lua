-- Prints what wrk measured as one JSON object: WrkResult of wrk.ts.
function done(summary, latency)
  local ms = function(share) return latency:percentile(share) / 1000 end
  io.write(string.format('JSON {"requests":%d,"seconds":%.6f,"not2xx":%d,"socketErrors":%d,',
    summary.requests, summary.duration / 1e6, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
  io.write(string.format('"latencyMs":{"p50":%.3f,"p95":%.3f,"p99":%.3f,"max":%.3f}}\n',
    ms(50), ms(95), ms(99), latency.max / 1000))
end
