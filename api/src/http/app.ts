import express, { type Express, type IRouter, type Router } from 'express';
import { pinoHttp } from 'pino-http';
import type { Logger } from '../logger.js';
import { errorHandler, notFound } from './error-handler.js';

interface AppDeps {
  logger: Logger;
  /** Puts its routes on the app itself, first in line: a router of its own would route every request twice. */
  issueRoute: (app: IRouter) => void;
  /** All others, in order; they are logged. */
  routes: Router[];
}

/** Wiring only: no port is opened here. No mounted sub-apps, they would bring prototypes of their own (see server.ts). */
export function createApp({ logger, issueRoute, routes }: AppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  issueRoute(app);
  app.use(
    pinoHttp({
      logger,
      genReqId: (req) => req.headers['x-request-id'] ?? '',
      autoLogging: { ignore: (req) => ['/livez', '/readyz', '/metrics'].includes(req.url ?? '') },
      // Headers carry secrets and user ids: none is logged.
      serializers: {
        req: (req: { id: unknown; method: string; url: string }) => ({
          id: req.id,
          method: req.method,
          url: req.url,
        }),
        // Without one of its own the whole response is logged, and the request with its raw headers in it.
        res: (res: { statusCode: number }) => ({ statusCode: res.statusCode }),
      },
      wrapSerializers: false,
    }),
  );
  for (const router of routes) app.use(router);
  app.use(notFound);
  app.use(errorHandler(logger));
  return app;
}
