import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';

/** `/livez`, `/readyz` and `/metrics` of a process that serves nothing else. Resolves when it listens. */
export function startOperationsServer(
  address: { host: string; port: number },
  registry: Registry,
  isReady: () => boolean,
): Promise<Server> {
  const answer = (res: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8') =>
    res.writeHead(status, { 'content-type': type }).end(body);
  const server = createServer((req, res) => {
    switch (req.url?.split('?')[0]) {
      case '/livez':
        return answer(res, 200, 'ok\n');
      case '/readyz':
        return isReady() ? answer(res, 200, 'ready\n') : answer(res, 503, 'not ready\n');
      case '/metrics':
        return registry.metrics().then(
          (text) => answer(res, 200, text, registry.contentType),
          () => answer(res, 500, 'no metrics\n'),
        );
      default:
        return answer(res, 404, 'not found\n');
    }
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => resolve(server));
  });
}
