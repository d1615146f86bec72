import { join } from 'node:path';
import { projectRoot } from '../../common/paths.js';
import { isFree } from '../../stack/native/port-owner.js';
import type { ServiceSpec } from '../../stack/native/service-spec.js';

export interface NodeProgram {
  readonly name: string;
  /** Below `dist/`, without `.js`. */
  readonly program: string;
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
}

/** One of our compiled programs that takes its port from PORT; ready when it listens. */
export const nodeProgram = ({ name, program, port, env, nodeOptions = [] }: NodeProgram): ServiceSpec => ({
  name,
  port,
  command: process.execPath,
  args: [...nodeOptions, join(projectRoot, 'dist', `${program}.js`)],
  env: { ...env, PORT: String(port), HOST: '127.0.0.1' },
  isReady: async () => !(await isFree(port, '127.0.0.1')),
  readyTimeoutMs: 60_000,
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 15_000,
});
