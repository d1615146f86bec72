import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagedService } from '../../native/managed-service.js';
import { Nginx } from '../../native/nginx-service.js';
import { Ports } from '../../native/ports.js';
import { requirePrograms } from '../../install.js';

export interface FrontDoor {
  readonly url: string;
  readonly opsUrl: string;
  readonly accessLog: string;
  readonly frontPort: number;
  stop(): Promise<void>;
}

/** A real nginx with this project's configuration in front of these ports. */
export async function startFrontDoor(
  apiPorts: readonly number[],
  environment: Readonly<Record<string, string>> = {},
): Promise<FrontDoor> {
  const folder = mkdtempSync(join(tmpdir(), 'front-door-'));
  const ports = new Ports('test', folder, {});
  const [frontPort, opsPort] = [await ports.of('front'), await ports.of('ops')];
  const { nginx: program } = await requirePrograms();
  const nginx = new Nginx({ program, folder, frontHost: '127.0.0.1', frontPort, opsPort, environment });
  await nginx.configure(apiPorts);
  const service = new ManagedService(nginx.service(), folder, () => undefined);
  await service.start();
  return {
    url: `http://127.0.0.1:${frontPort}`,
    opsUrl: `http://127.0.0.1:${opsPort}`,
    accessLog: join(folder, 'logs', 'nginx-access.log'),
    frontPort,
    stop: async () => {
      await service.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
