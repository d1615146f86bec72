import { Router } from 'express';
import helmet from 'helmet';
import swaggerUi from 'swagger-ui-express';
import { methodNotAllowed } from '../error-handler.js';
import type { OpenApiDocument } from '../openapi.js';

/** Everything from here; Swagger UI styles its elements in place. Plain HTTP works: nothing upgrades to HTTPS. */
const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  strictTransportSecurity: false,
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xFrameOptions: { action: 'deny' },
});

/** Swagger UI at /docs/ and the document itself at /docs/openapi.json. */
export function docsRoutes(document: OpenApiDocument): Router {
  const router = Router({ strict: true });
  router.use('/docs', securityHeaders);
  // Swagger UI's addresses are relative: without the slash they would point beside it.
  router.get('/docs', (_req, res) => res.redirect(308, '/docs/'));
  router.get('/docs/openapi.json', (_req, res) => {
    res.json(document);
  });
  const options = { swaggerOptions: { url: '/docs/openapi.json' }, customSiteTitle: 'coupon-rush' };
  router.use('/docs/', swaggerUi.serveFiles(undefined, options));
  router.get('/docs/', swaggerUi.setup(undefined, options));
  router.all(['/docs', '/docs/', '/docs/openapi.json'], methodNotAllowed('GET, HEAD'));
  return router;
}
