import { Router } from 'express';
import type { Registry } from 'prom-client';

export interface OperationsDeps {
  /** False while the process closes or cannot reach what it needs: it should get no new requests. */
  isReady: () => Promise<boolean> | boolean;
  registry: Registry;
}

/** Liveness, readiness and metrics: for the operator's network, never behind the front door. */
export function operationsRoutes({ isReady, registry }: OperationsDeps): Router {
  const router = Router();
  router.get('/livez', (_req, res) => {
    res.type('text').send('ok');
  });
  router.get('/readyz', async (_req, res) => {
    const ready = await isReady();
    res
      .status(ready ? 200 : 503)
      .type('text')
      .send(ready ? 'ready' : 'not ready');
  });
  router.get('/metrics', async (_req, res) => {
    res.type(registry.contentType).send(await registry.metrics());
  });
  return router;
}
