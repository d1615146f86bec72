import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import express from 'express';
import type { Logger } from '../logger.js';
import { errorHandler, notFound } from './error-handler.js';
import { operationsRoutes, type OperationsDeps } from './routes/operations-routes.js';

/** `/livez`, `/readyz` and `/metrics` of a process that serves nothing else. Resolves when it listens. */
export async function startOperationsServer(
  address: { host: string; port: number },
  { logger, ...deps }: OperationsDeps & { logger: Logger },
): Promise<Server> {
  const app = express();
  app.disable('x-powered-by');
  app.use(operationsRoutes(deps));
  app.use(notFound);
  app.use(errorHandler(logger));
  const server = createServer(app).listen(address);
  await once(server, 'listening');
  return server;
}
