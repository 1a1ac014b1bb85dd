// node bench/simulate.mjs [SHARDS…]: estimates what posts, lists and sync over many shards would cost, from the costs of one call as
// bench/shards.sh measures them. It uses no database. A scattered call waits for the slowest shard, and the front spends time on each.
//
// Costs can be set in the environment, in microseconds of processor time per database: POST_US and POST_FRONT_US; LIST_US and
// LIST_FRONT_US, for a page of 50 rows; SYNC_US and SYNC_FRONT_US, if nothing is new; TAIL is the ratio of the slowest of a hundred calls
// to the median. So can the load: USERS are online and sync every POLL_S seconds (0: streams); DAY_USERS post POSTS messages each per day;
// LISTS are requested per second.

const setting = (name, fallback) => Number(process.env[name] ?? fallback);
const costs = {
	post: { shard: setting("POST_US", 235), front: setting("POST_FRONT_US", 97) },
	list: { shard: setting("LIST_US", 354), front: setting("LIST_FRONT_US", 260) },
	sync: { shard: setting("SYNC_US", 166), front: setting("SYNC_FRONT_US", 125) },
	tail: setting("TAIL", 5),
};
const load = { users: setting("USERS", 100000), posts: setting("POSTS", 50), day: setting("DAY_USERS", 2e6), poll_s: setting("POLL_S", 10), lists: setting("LISTS", 200) };

// Lognormal, with the given median, and a 99th percentile of TAIL times the median.
const sigma = Math.log(costs.tail) / 2.326;
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
const latency = (median) => median * Math.exp(sigma * normal());

function percentiles(samples) {
	samples.sort((a, b) => a - b);
	return [0.5, 0.99].map((share) => samples[Math.floor(samples.length * share)]);
}

const scatter = (shards, { shard, front }) => percentiles(Array.from({ length: 2000 }, () =>
	Math.max(...Array.from({ length: shards }, () => latency(shard))) + shards * front));

const cores = (perSecond, us) => (perSecond * us) / 1e6;

const posts = (load.day * load.posts) / 86400;
console.log(`${Math.round(posts)} messages a second on average; ${load.users} users online, who ask sync each ${load.poll_s} s`);
console.table(Object.fromEntries((process.argv.length > 2 ? process.argv.slice(2).map(Number) : [2, 64, 1024]).map((shards) => {
	const [median, slow] = scatter(shards, costs.list);
	const polls = load.poll_s > 0 ? load.users / load.poll_s : 0;
	return [`${shards} shards`, {
		"list p50 ms": +(median / 1000).toFixed(2),
		"list p99 ms": +(slow / 1000).toFixed(2),
		"front's cores: posts": +cores(posts, costs.post.front).toFixed(2),
		[`${load.lists} lists/s`]: +cores(load.lists, shards * costs.list.front).toFixed(2),
		// Home is asked too.
		polling: +cores(polls, (shards + 1) * costs.sync.front).toFixed(1),
		"a shard's cores: posts": +cores(posts / shards, costs.post.shard).toFixed(2),
		"polling there": +cores(polls, costs.sync.shard).toFixed(2),
		"GB a shard and year": Math.round((posts * 86400 * 365 * 386) / shards / 1e9),
	}];
})));
