import { apiProgram } from '../../common/paths.js';
import { httpStatus } from './http-status.js';
import type { ServiceSpec } from './service-spec.js';

/** Environment that api, worker, migrate and ops share: where Redis and the database are, on top of the caller's. */
type AppEnvironment = Readonly<Record<string, string>>;

/**
 * A replica that waits for a rush must not forget how to answer one: V8 takes some idle seconds for a reason to shrink the
 * heap and to drop compiled code (measured: docs/performance.md). As in api/Dockerfile.
 */
const staysWarm = ['--no-memory-reducer', '--no-flush-bytecode'];

/**
 * A replica has one core's worth of work: V8's helper threads for collecting garbage would only take it from the other
 * replicas, and handing over costs more than it saves (measured: docs/performance.md). As in api/Dockerfile.
 */
const replicaFlags = ['--single-threaded-gc', ...staysWarm];

interface NodeServiceOptions {
  readonly index: number;
  readonly port: number;
  readonly env: AppEnvironment;
}

const nodeService = (
  kind: 'api' | 'worker',
  { index, port, env }: NodeServiceOptions,
  own: Record<string, string>,
  flags: readonly string[] = [],
): ServiceSpec => ({
  name: `${kind}-${index}`,
  port,
  command: process.execPath,
  args: [...flags, '--enable-source-maps', apiProgram(`main-${kind}`)],
  env: { ...env, HOST: '127.0.0.1', ...own },
  isReady: async () => (await httpStatus(`http://127.0.0.1:${port}/readyz`)) === 200,
  readyTimeoutMs: 60_000,
  stopSignal: 'SIGTERM',
  // Longer than SHUTDOWN_DEADLINE_MS: it ends by itself, with everything answered.
  stopTimeoutMs: Number(env['SHUTDOWN_DEADLINE_MS'] ?? 10_000) + 5_000,
});

export const apiService = (options: NodeServiceOptions): ServiceSpec => ({
  ...nodeService('api', options, { PORT: String(options.port) }, replicaFlags),
  cpus: Number(options.env['API_CPUS'] ?? 0) || undefined,
});

export const workerService = (options: NodeServiceOptions): ServiceSpec =>
  nodeService('worker', options, {
    WORKER_PORT: String(options.port),
    WORKER_NAME: `worker-${options.index}`,
  });
