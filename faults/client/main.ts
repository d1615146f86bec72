import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { OpenClient } from './open-client.js';
import type { ClientOptions, ToClient } from './protocol.js';

const REPORT_MS = 50;

/** A process of its own: what its users measure is not held up by the suite's work, nor the other way round. */
async function main(options: ClientOptions): Promise<void> {
  const log = createWriteStream(options.logFile);
  const client = new OpenClient(options, (line) => log.write(`${line}\n`));
  const untilFinish = new Promise<void>((resolve) => {
    setTimeout(resolve, options.maxMs).unref();
    process.on('message', (message: ToClient) => {
      if (message.kind === 'rate') client.rate = message.rate;
      else resolve();
    });
    // The suite is gone: nobody wants the rush any more.
    process.on('disconnect', () => process.exit(1));
  });
  const report = () => process.send?.(client.report);
  const timer = setInterval(report, REPORT_MS);
  await client.run(untilFinish);
  clearInterval(timer);
  log.end();
  await once(log, 'finish');
  process.send?.(client.report, () => process.exit(0));
}

await main(JSON.parse(process.argv[2] ?? '{}') as ClientOptions);
