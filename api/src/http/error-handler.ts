import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from '../logger.js';
import { UnavailableError } from '../coupon/unavailable.js';
import { ProblemError, sendProblem, sendProblemError, type ProblemCode } from './problem.js';

/** Errors of Express, its router and its body parser carry a status; what a client may be told depends on it alone. */
const CODE_OF_STATUS: Record<number, ProblemCode> = {
  400: 'invalid-request',
  413: 'payload-too-large',
  415: 'unsupported-media-type',
};

export const notFound: RequestHandler = (_req, res) => {
  sendProblem(res, 'not-found');
};

/** For a path whose routes are registered already: whatever method comes this far is not one of them. */
export const methodNotAllowed =
  (allow: string): RequestHandler =>
  (_req, res) => {
    sendProblem(res, 'method-not-allowed', undefined, { allow });
  };

/** The one place where a fault becomes an answer. 5xx bodies say nothing about the inside; the log does. */
export const errorHandler =
  (logger: Logger): ErrorRequestHandler =>
  (err: unknown, req, res, _next) => {
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (err instanceof ProblemError) {
      sendProblemError(res, err);
      return;
    }
    if (err instanceof UnavailableError) {
      logger.warn({ err, requestId: req.headers['x-request-id'] }, 'a request was not answered');
      sendProblem(res, 'not-ready', undefined, { 'retry-after': '1' });
      return;
    }
    const status = (err as { status?: unknown }).status;
    const code = typeof status === 'number' ? CODE_OF_STATUS[status] : undefined;
    if (code) {
      sendProblem(res, code);
      return;
    }
    logger.error({ err, method: req.method, requestId: req.headers['x-request-id'] }, 'a request failed');
    sendProblem(res, 'internal');
  };
