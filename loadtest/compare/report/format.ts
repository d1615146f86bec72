import type { CapacityRecord, Component } from '../types.js';
import type { Spread } from '../statistics.js';

const digits = (value: number, most: number): string =>
  value.toLocaleString('en-GB', { maximumFractionDigits: most, minimumFractionDigits: most });

/** 148.3, 1,590: three to four digits that mean something. */
export const number = (value: number): string => digits(value, value < 100 ? 1 : 0);
export const rate = (value: number | null): string => (value === null ? '–' : `${number(value)}/s`);
export const percent = (share: number | null, most = 0): string =>
  share === null ? '–' : `${digits(share * 100, most)} %`;
/** Never rounds a failure away: 99.98 % is not shown as 100 %. */
export const success = (share: number | null): string =>
  share === null ? '–' : share === 1 ? '100 %' : `${digits(Math.min(share * 100, 99.99), 2)} %`;
export const times = (factor: number | null): string => (factor === null ? '–' : `${digits(factor, 2)} ×`);
export const whole = (value: number): string => value.toLocaleString('en-GB');

export function duration(ms: number | null): string {
  if (ms === null) return '–';
  if (ms >= 10_000) return `${digits(ms / 1000, 1)} s`;
  return ms >= 1_000 ? `${digits(ms / 1000, 2)} s` : `${digits(ms, ms < 10 ? 1 : 0)} ms`;
}

export const spread = (tps: Spread | null): string =>
  tps === null ? '–' : `${number(tps.median)} (${number(tps.min)} – ${number(tps.max)})`;

export const limitsWords = ({ p99Ms, errorRate }: CapacityRecord['limits']): string =>
  `p99 within ${duration(p99Ms)}, ${errorRate === 0 ? 'no error' : `errors at most ${percent(errorRate, 2)}`}`;

const names: Readonly<Record<Component, string>> = {
  api: 'api replicas',
  nginx: 'nginx',
  redis: 'Redis',
  worker: 'worker',
  database: 'MySQL',
  k6: 'k6',
};

export const component = (name: Component | null): string => (name === null ? 'nothing' : names[name]);
export const replicas = (count: number): string => (count === 1 ? '1 replica' : `${count} replicas`);
