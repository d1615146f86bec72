import { formatNumber } from '../../common/format.js';
import type { Spread } from '../../common/statistics.js';
import type { CapacityRecord, ComparisonRecord, Component } from '../types.js';
import type { Interval } from '../interval.js';

/** 148.3, 1,590: three to four digits that mean something. */
export const number = (value: number): string => formatNumber(value, value < 100 ? 1 : 0);
export const rate = (value: number | null): string => (value === null ? '–' : `${number(value)}/s`);
export const percent = (share: number | null, most = 0): string =>
  share === null ? '–' : `${formatNumber(share * 100, most)} %`;
/** Never rounds a failure away: 99.98 % is not shown as 100 %. */
export const success = (share: number | null): string =>
  share === null ? '–' : share === 1 ? '100 %' : `${formatNumber(Math.min(share * 100, 99.99), 2)} %`;
export const times = (factor: number | null): string =>
  factor === null ? '–' : `${formatNumber(factor, 2)} ×`;

export const interval = (value: Interval | null): string =>
  value === null ? '–' : `${formatNumber(value.low, 2)} – ${formatNumber(value.high, 2)}`;

export const describeCap = ({ apiCpus: { cpus, how } }: ComparisonRecord): string =>
  cpus === null ? 'no CPU cap' : `${cpus} CPU each (${how})`;

export function duration(ms: number | null): string {
  if (ms === null) return '–';
  if (ms >= 10_000) return `${formatNumber(ms / 1000, 1)} s`;
  return ms >= 1_000 ? `${formatNumber(ms / 1000, 2)} s` : `${formatNumber(ms, ms < 10 ? 1 : 0)} ms`;
}

export const spread = (tps: Spread | null): string =>
  tps === null ? '–' : `${number(tps.median)} (${number(tps.min)} – ${number(tps.max)})`;

export const limitsWords = ({ p99Ms, errorRate }: CapacityRecord['limits']): string =>
  `p99 within ${duration(p99Ms)}, ${errorRate === 0 ? 'no error' : `errors at most ${percent(errorRate, 2)}`}`;

const names: Readonly<Record<Component | 'machine', string>> = {
  api: 'api replicas',
  nginx: 'nginx',
  redis: 'Redis',
  worker: 'worker',
  database: 'MySQL',
  k6: 'k6',
  influxdb: 'InfluxDB',
  machine: 'the machine',
};

export const component = (name: Component | 'machine' | null): string =>
  name === null ? 'nothing' : names[name];
export const replicas = (count: number): string => (count === 1 ? '1 replica' : `${count} replicas`);
