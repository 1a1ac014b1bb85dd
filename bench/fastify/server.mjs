// The gateway's peer: two of its routes in Fastify and node-postgres, as one would usually write them, with a process per core,
// prepared statements, and as many connections as parleyd uses for reading. PORT is the port, PG* select the database.
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import Fastify from 'fastify';
import pg from 'pg';

if (cluster.isPrimary) {
	for (let i = 0; i < availableParallelism(); i++) cluster.fork();
	process.on('SIGTERM', () => { Object.values(cluster.workers).forEach((worker) => worker.kill()); process.exit(0); });
} else {
	pg.types.setTypeParser(20, Number);
	const pool = new pg.Pool({ max: Number(process.env.CONNECTIONS ?? 2) });
	const app = Fastify({ logger: false });
	const query = (name, text) => async (request) => (await pool.query({ name, text, values: Object.values(request.params) })).rows;

	app.get('/health', async () => ({ status: 'ok' }));
	app.get('/contacts/:contact_id', async (request) => (await query('contact', 'SELECT * FROM parley.get_contact($1)')(request))[0]);
	app.get('/conversations', async (request) => (await query('list', 'SELECT * FROM parley.list_conversations()')(request))
		.map(({ next_cursor, total_count, ...row }) => row));
	await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
}
