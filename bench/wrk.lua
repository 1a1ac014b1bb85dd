-- Prints at the end: p50 and p99 in ms, requests per second, and the number of requests that failed.

local threads = {}

function setup(thread)
	table.insert(threads, thread)
end

function init()
	refused = 0
end

function response(status)
	if status ~= 200 then
		refused = refused + 1
	end
end

function done(summary, latency)
	local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
	for _, thread in ipairs(threads) do
		failed = failed + thread:get("refused")
	end
	io.write(string.format("measured %.3f %.3f %.1f %d\n", latency:percentile(50) / 1000, latency:percentile(99) / 1000,
		summary.requests / summary.duration * 1e6, failed))
end
