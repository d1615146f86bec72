import { table } from '../../common/table.js';
import type { OverloadResult } from './run-overload.js';

const ms = (value: number | null): string => (value === null ? '–' : String(value));

/** The result for people. */
export function describeOverload(result: OverloadResult): string {
  const rows = result.steps.map((step) => [
    `${step.factor} ×`,
    ...[step.offered, step.goodput, step.refused].map(String),
    [step.okP50Ms, step.okP95Ms, step.okP99Ms].map(ms).join(' / '),
    [step.refusedP50Ms, step.refusedP95Ms, step.refusedP99Ms].map(ms).join(' / '),
    ms(step.settled.refusedP99Ms),
    ...['api', 'nginx', 'redis', 'generator'].map((name) => (step.cpu[name] ?? 0).toFixed(2)),
  ]);
  const head = [
    'load',
    'offered/s',
    '200s/s',
    'refused',
    '200: p50 / p95 / p99 ms',
    'refusals',
    'settled p99',
  ];
  const asked = Object.entries(result.passes.askedReplicas).map(([times, calls]) => `${times}: ${calls}`);
  return [
    `${result.replicas} replicas with ${result.apiCpus || 'all'} CPU each, capacity ${result.capacity} coupons/s`,
    '',
    table([[...head, 'CPUs: api', 'nginx', 'redis', 'generator'], ...rows]),
    '',
    `  least goodput at 2 × and more: ${result.goodputRatio} of that at capacity`,
    `  normal latency again after ${ms(result.recoveryMs)} ms`,
    `  refused by nginx ${result.passes.refusedByNginx}, by replicas ${result.passes.refusedByReplicas}`,
    `  calls by the number of replicas asked: ${asked.join(' · ')}`,
  ].join('\n');
}
