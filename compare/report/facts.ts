import { formatNumber } from '../../common/format.js';
import { describeCap } from './format.js';
import type { ComparisonRecord } from '../types.js';

function describeLoad({ scenario, users, stock }: ComparisonRecord): string {
  return scenario === 'saturate'
    ? `saturate, ${formatNumber(users)} users in flight for each replica, each time new ones`
    : `${scenario}, ${formatNumber(users)} users, stock ${formatNumber(stock)}`;
}

/** Label and value, in the order a reader needs them. */
export function factsOf(comparison: ComparisonRecord): [string, string][] {
  const { environment: env } = comparison;
  return [
    ['Scenario', describeLoad(comparison)],
    [
      'Rounds',
      `${comparison.ended ? 'up to ' : ''}${comparison.rounds} of ${comparison.replicas.join(', ')} replicas in an order drawn by lot`,
    ],
    ['Cap of a replica', describeCap(comparison)],
    ['Runs as', comparison.mode === 'native' ? 'processes of one machine' : 'containers (compose)'],
    ['Machine', `${env.cpus} CPUs, ${env.memoryGiB} GiB; load generator on the same machine`],
    ['Software', `Node ${env.node}, nginx ${env.nginx}, Redis ${env.redis}, ${env.database}, k6 ${env.k6}`],
    ['Code', comparison.code],
    ['Started', `${comparison.startedAt.slice(0, 16).replace('T', ' ')} UTC`],
  ];
}
