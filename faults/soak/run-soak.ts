import { setTimeout as sleep } from 'node:timers/promises';
import { roundTo } from '../../common/format.js';
import { summariseLatency } from '../../common/statistics.js';
import { AdminClient, waitUntilDrained } from '../../loadtest/admin-client.js';
import type { Stack } from '../../stack/types.js';
import { sampleServices } from '../process-watch.js';
import { readMetric } from '../read-metric.js';
import type { Random } from '../../common/random.js';
import { readUsedMemory, withRedis } from '../redis-link.js';
import { evaluateSeries, type Allowance, type Point, type Slope } from './slope.js';
import { SoakTraffic } from './traffic.js';

const CAPACITY_SECONDS = 8;
const CAPACITY_CLIENTS = 64;
const WAITING_MOST = 2_000;
const TICK_MS = 10;
const DRAIN_WITHIN_MS = 60_000;
/** Shorter runs print their slopes and are not judged by them. */
const JUDGED_FROM_MINUTES = 3;

const ALLOWED: readonly (readonly [RegExp, Allowance])[] = [
  // The pool between nginx and the replicas: up to 512 idle connections an nginx worker, each closed after a minute. It
  // follows the peaks of latency up and down.
  [/^(api-\d+|nginx) sockets$/, { share: 0.2, free: 400 }],
  // The 40 open campaigns fill up at their own pace: at most 4,000 coupons of 110 bytes each, 17 MiB, and two hash tables in one that
  // grows. What is over stays for ARCHIVE_AFTER_MS. Without archiving 1,300 coupons/s would add 8 MiB a minute (arithmetic).
  [/^redis memory MiB$/, { share: 0.2, free: 12 }],
  [/ memory MiB$/, { share: 0.15, free: 15 }],
  [/ sockets$/, { share: 0.2, free: 20 }],
  [/^stream entries$/, { share: 0.5, free: 100 }],
  [/ latency ms$/, { share: 0.5, free: 10 }],
];

export interface SoakResult {
  minutes: number;
  capacityPerSecond: number;
  ratePerSecond: number;
  calls: number;
  statuses: Record<string, number>;
  campaigns: number;
  coupons: number;
  /** By what was measured. */
  slopes: Record<string, Slope & { flat: boolean }>;
  judged: boolean;
  redisBytesPerCoupon: number;
  faults: string[];
}

export interface SoakOptions {
  stack: Stack;
  random: Random;
  minutes: number;
  print: (line: string) => void;
}

/** Mixed traffic over many campaigns at half of what the same clients reach when each waits for its answer. */
export async function runSoak({ stack, random, minutes, print }: SoakOptions): Promise<SoakResult> {
  const traffic = new SoakTraffic(stack, random);
  await traffic.begin();
  const memoryBefore = await redisMemory(stack);
  const capacityPerSecond = await measureCapacity(traffic);
  const ratePerSecond = Math.round(capacityPerSecond / 2);
  print(
    `capacity ${capacityPerSecond} calls/s with ${CAPACITY_CLIENTS} clients; ${ratePerSecond}/s for ${minutes} min`,
  );
  traffic.takeLatencies();
  const series = await drive(stack, traffic, { ratePerSecond, minutes, print });
  traffic.end();
  const slopes = Object.fromEntries(
    [...series].map(([name, points]) => [name, evaluateSeries(points, minutes, findAllowance(name))]),
  );
  const judged = minutes >= JUDGED_FROM_MINUTES;
  const coupons = traffic.campaigns.reduce((sum, { told }) => sum + told, 0);
  const faults = [
    ...traffic.surprises,
    ...(await checkBooks(stack, traffic)),
    ...Object.entries(slopes).flatMap(([name, { flat }]) => (judged && !flat ? [`${name} is not flat`] : [])),
  ];
  return {
    minutes,
    capacityPerSecond,
    ratePerSecond,
    calls: Object.values(traffic.statuses).reduce((sum, count) => sum + count, 0),
    statuses: traffic.statuses,
    campaigns: traffic.campaigns.length,
    coupons,
    slopes,
    judged,
    redisBytesPerCoupon: Math.round(((await redisMemory(stack)) - memoryBefore) / Math.max(1, coupons)),
    faults,
  };
}

async function measureCapacity(traffic: SoakTraffic): Promise<number> {
  const until = Date.now() + CAPACITY_SECONDS * 1_000;
  let calls = 0;
  const client = async () => {
    for (; Date.now() < until; calls += 1) await traffic.call();
  };
  await Promise.all(Array.from({ length: CAPACITY_CLIENTS }, client));
  return Math.round(calls / CAPACITY_SECONDS);
}

async function drive(
  stack: Stack,
  traffic: SoakTraffic,
  {
    ratePerSecond,
    minutes,
    print,
  }: { ratePerSecond: number; minutes: number; print: (line: string) => void },
): Promise<Map<string, Point[]>> {
  const series = new Map<string, Point[]>();
  const startedMs = Date.now();
  const endMs = startedMs + minutes * 60_000;
  const sampleEveryMs = Math.max(1_000, Math.min(5_000, minutes * 1_000));
  const under = new Set<Promise<void>>();
  let [due, lastMs] = [0, performance.now()];
  const timer = setInterval(() => {
    const nowMs = performance.now();
    due = Math.min(due + ((nowMs - lastMs) * ratePerSecond) / 1_000, ratePerSecond);
    lastMs = nowMs;
    for (; due >= 1; due -= 1) {
      if (under.size >= WAITING_MOST) continue;
      const call = traffic.call().finally(() => under.delete(call));
      under.add(call);
    }
  }, TICK_MS);
  let printedMs = 0;
  while (Date.now() < endMs) {
    await sleep(sampleEveryMs);
    const at = (Date.now() - startedMs) / 60_000;
    for (const [name, value] of await takeSample(stack, traffic)) {
      const points = series.get(name) ?? [];
      series.set(name, [...points, { minutes: at, value }]);
    }
    if (Date.now() - printedMs < 30_000) continue;
    printedMs = Date.now();
    print(
      `${at.toFixed(1)} min: ${[...series].map(([name, points]) => `${name} ${points.at(-1)!.value}`).join(', ')}`,
    );
  }
  clearInterval(timer);
  await Promise.all(under);
  return series;
}

async function takeSample(stack: Stack, traffic: SoakTraffic): Promise<[string, number][]> {
  const services = (await sampleServices(stack)).filter(({ service }) => /^(api|worker|nginx)/.test(service));
  const { p50, p99 } = summariseLatency(traffic.takeLatencies());
  return [
    ...services.flatMap(({ service, rssMiB, sockets }): [string, number][] => [
      [`${service} memory MiB`, roundTo(rssMiB, 1)],
      [`${service} sockets`, sockets],
    ]),
    ['redis memory MiB', roundTo((await redisMemory(stack)) / 1_048_576, 1)],
    ['stream entries', await readMetric(stack, 'worker-1', 'coupon_drain_lag_entries')],
    ['p50 latency ms', roundTo(p50 ?? 0, 1)],
    ['p99 latency ms', roundTo(p99 ?? 0, 1)],
  ];
}

const findAllowance = (name: string): Allowance => ALLOWED.find(([what]) => what.test(name))![1];

const redisMemory = (stack: Stack): Promise<number> => withRedis(stack, readUsedMemory);

/** For each campaign: what clients were told, what Redis issued and what MySQL has are the same number. */
async function checkBooks(stack: Stack, { campaigns }: SoakTraffic): Promise<string[]> {
  const admin = new AdminClient(stack);
  const faults: string[] = [];
  for (const { couponId, told } of campaigns) {
    const drained = await waitUntilDrained(() => admin.statistics(couponId), DRAIN_WITHIN_MS);
    const { issued, persisted } = await admin.statistics(couponId);
    if (!drained || told !== persisted) {
      faults.push(
        `coupon ${couponId}: ${told} clients were told 200, Redis issued ${issued}, MySQL has ${persisted}`,
      );
    }
  }
  return faults;
}
