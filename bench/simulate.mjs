// node bench/simulate.mjs [SHARDS…]: what lists and sync over many shards would take, from the costs of one call as measured on one
// machine. No database is asked: scatter waits for the slowest of all shards, and the front pays for each of them.
//
// The costs can be given: FRONT_US and SHARD_US of a call of one row, LIST_US of a shard's page, TAIL, how many times the median the
// slowest of a hundred calls takes, USERS who are online, each of whom posts POSTS a day and asks sync each POLL_S seconds (0: streams).

const setting = (name, fallback) => Number(process.env[name] ?? fallback);
const costs = { front: setting("FRONT_US", 46), shard: setting("SHARD_US", 40), list: setting("LIST_US", 600), tail: setting("TAIL", 5) };
const load = { users: setting("USERS", 100000), posts: setting("POSTS", 50), day: setting("DAY_USERS", 2e6), poll_s: setting("POLL_S", 10), lists: setting("LISTS", 200) };

// Lognormal, with that median and 99th percentile.
const sigma = Math.log(costs.tail) / 2.326;
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
const latency = (median) => median * Math.exp(sigma * normal());

function percentiles(samples) {
	samples.sort((a, b) => a - b);
	return [0.5, 0.99].map((share) => samples[Math.floor(samples.length * share)]);
}

const scatter = (shards, median) => percentiles(Array.from({ length: 2000 }, () =>
	Math.max(...Array.from({ length: shards }, () => latency(median))) + shards * costs.front));

const cores = (perSecond, us) => (perSecond * us) / 1e6;

const posts = (load.day * load.posts) / 86400;
console.log(`${Math.round(posts)} messages a second on average; ${load.users} users online, who ask sync each ${load.poll_s} s`);
console.table(Object.fromEntries((process.argv.length > 2 ? process.argv.slice(2).map(Number) : [2, 64, 1024]).map((shards) => {
	const [median, slow] = scatter(shards, costs.list);
	const polls = load.poll_s > 0 ? load.users / load.poll_s : 0;
	return [`${shards} shards`, {
		"list p50 ms": +(median / 1000).toFixed(2),
		"list p99 ms": +(slow / 1000).toFixed(2),
		"front's cores: posts": +cores(posts, costs.front).toFixed(2),
		[`${load.lists} lists/s`]: +cores(load.lists, shards * costs.front).toFixed(2),
		polling: +cores(polls, shards * costs.front).toFixed(1),
		"a shard's cores: polling": +cores(polls, costs.shard).toFixed(2),
		"GB a shard and year": Math.round((posts * 86400 * 365 * 386) / shards / 1e9),
	}];
})));
