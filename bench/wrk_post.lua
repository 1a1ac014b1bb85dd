-- Posts {"content": …} repeatedly to paths chosen at random. Arguments: a file with the paths, one per line, and the content.
-- Prints the same as wrk.lua.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or ""
dofile(here .. "wrk.lua")
local init_of_all = init

function init(args)
	init_of_all(args)
	math.randomseed(tonumber(tostring(args):match("0x(%x+)"), 16) % 2147483647)
	paths = {}
	for path in io.lines(args[1]) do
		table.insert(paths, path)
	end
	wrk.method = "POST"
	wrk.headers["Content-Type"] = "application/json"
	wrk.body = args[2] and '{"content":"' .. args[2] .. '"}' or nil
end

function request()
	return wrk.format(nil, paths[math.random(#paths)])
end

function response(status)
	if status ~= 201 then
		refused = refused + 1
	end
end
