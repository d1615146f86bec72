/** Baseline: the least a `node:http` server can do to answer with a body like ours. No router, no Redis. */
import { createServer } from 'node:http';

let rank = 0;
const server = createServer((req, res) => {
  rank += 1;
  const body = JSON.stringify({
    couponId: 1,
    userId: req.headers['x-user-id'],
    rank,
    issuedAt: '2026-01-01T00:00:00.000Z',
  });
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  res.end(body);
});
server.keepAliveTimeout = 75_000;
server.listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 65_535 });
process.once('SIGTERM', () => process.exit(0));
