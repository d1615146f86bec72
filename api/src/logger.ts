import { pino, type Logger } from 'pino';

export type { Logger };

/** Secrets never reach a log: the paths under which they could be passed in are censored. */
export const createLogger = (name: string, level: string): Logger =>
  pino({
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        'req.headers.authorization',
        'headers.authorization',
        '*.password',
        '*.REDIS_PASSWORD',
        '*.DATABASE_URL',
        '*.ADMIN_TOKEN',
      ],
      censor: '[redacted]',
    },
  });
