import type { Express } from 'express';

/** The rivals get the long backlog too: their code is compared, not the kernel's default queue. */
export function serve(app: Express): void {
  const server = app.listen(Number(process.env['PORT']), '127.0.0.1', 65_535);
  server.keepAliveTimeout = 75_000;
  process.once('SIGTERM', () => process.exit(0));
}
