import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { instanceFolder } from '../common/paths.js';
import { nginxBaseline } from '../loadtest/nginx-baseline.js';
import { measurePeakRound, type PeakRound } from '../loadtest/peak-round.js';
import { readEnvironment } from '../stack/env-file.js';
import { ManagedService } from '../stack/native/managed-service.js';
import { Ports } from '../stack/native/ports.js';
import { findProgram } from '../stack/native/programs.js';
import { INSTANCE, type Bench } from './context.js';

/**
 * What the same k6 with the same script takes when nginx answers at once, without anything behind it: the least that a burst
 * can take on this machine.
 *
 * @returns null where no nginx is installed beside the containers
 */
export async function measureFloor({ k6, say }: Bench, users: number): Promise<PeakRound | null> {
  const program = findProgram('nginx');
  if (program === undefined) return null;
  // In the stack's own folder: what ends the stack ends it too.
  const folder = instanceFolder(INSTANCE);
  const returnPort = await new Ports(INSTANCE, join(folder, 'floor'), readEnvironment()).of('nginx-baseline');
  const spec = nginxBaseline({ program, folder: join(folder, 'floor'), returnPort });
  const server = new ManagedService(spec, folder, say);
  await server.start();
  try {
    const url = `http://127.0.0.1:${returnPort}`;
    return await measurePeakRound({ k6, folder: join(folder, 'floor', 'k6'), url, couponId: 1, users });
  } finally {
    await server.stop();
    rmSync(join(folder, 'floor'), { recursive: true, force: true });
  }
}
