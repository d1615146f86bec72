import { formatNumber } from '../../common/format.js';
import type { ComparisonRecord } from '../types.js';

/** Label and value, in the order a reader needs them. */
export function factsOf(comparison: ComparisonRecord): [string, string][] {
  const { environment: env, apiCpus } = comparison;
  const cap = apiCpus.cpus === null ? 'none' : `${apiCpus.cpus} CPU each (${apiCpus.how})`;
  return [
    [
      'Scenario',
      `${comparison.scenario}, ${formatNumber(comparison.users)} users, stock ${formatNumber(comparison.stock)}`,
    ],
    ['Rounds', `${comparison.rounds} for each of ${comparison.replicas.join(', ')} replicas, interleaved`],
    ['Cap of a replica', cap],
    ['Runs as', comparison.mode === 'native' ? 'processes of one machine' : 'containers (compose)'],
    ['Machine', `${env.cpus} CPUs, ${env.memoryGiB} GiB; load generator on the same machine`],
    ['Software', `Node ${env.node}, nginx ${env.nginx}, Redis ${env.redis}, ${env.database}, k6 ${env.k6}`],
    ['Code', comparison.code],
    ['Started', `${comparison.startedAt.slice(0, 16).replace('T', ' ')} UTC`],
  ];
}
