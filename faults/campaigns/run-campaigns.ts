import { allPartitions, registryKey } from '../../api/src/redis/keys.js';
import { roundTo } from '../../common/format.js';
import { waitUntil } from '../../common/wait-until.js';
import { AdminClient } from '../../loadtest/admin-client.js';
import type { Stack } from '../../stack/types.js';
import { sampleServices } from '../process-watch.js';
import { readUsedMemory, withRedis } from '../redis-link.js';
import { evaluateSeries, type Allowance, type Point, type Slope } from '../soak/slope.js';
import { IssueClient } from './issue-campaign.js';

const CONNECTIONS = 64;
/** A sample after so many campaigns, in a short run after fewer. */
const SAMPLE_EVERY = 50;
const SAMPLES_LEAST = 20;
const ARCHIVED_WITHIN_MS = 120_000;
const OLD_WINNERS = 20;
const BOOKS_AT_ONCE = 8;

/**
 * A campaign of 1,000 coupons takes about 0.11 MiB and two keys. Those of the last seconds are still there, in numbers that
 * follow the pace: room for 30 of them, which a run of 100 campaigns that keeps everything exceeds.
 */
const ALLOWED: readonly (readonly [RegExp, Allowance])[] = [
  [/^redis memory MiB$/, { share: 0.2, free: 4 }],
  [/^redis keys$/, { share: 0.2, free: 60 }],
  [/^(api|worker)-\d+ memory MiB$/, { share: 0.15, free: 15 }],
];

interface Sample {
  minutes: number;
  campaigns: number;
  values: Record<string, number>;
}

export interface CampaignsResult {
  campaigns: number;
  couponsEach: number;
  /** Clients told 200 for a new coupon, and rows of these campaigns in MySQL. */
  told: number;
  rows: number;
  minutes: number;
  couponsPerSecond: number;
  /** Old winners who asked again with their key and got their 200 again, from MySQL. */
  replayed: number;
  /** After everything was archived. */
  end: Record<string, number>;
  slopes: Record<string, Slope & { flat: boolean }>;
  faults: string[];
  samples: Sample[];
}

export interface CampaignsOptions {
  stack: Stack;
  campaigns: number;
  coupons: number;
  print: (line: string) => void;
}

/** One campaign after the other, each until it is sold out. */
export async function runCampaigns(options: CampaignsOptions): Promise<CampaignsResult> {
  const { stack, campaigns, coupons, print } = options;
  const client = new IssueClient(stack.frontUrl, CONNECTIONS);
  const registeredBefore = await countRegistered(stack);
  try {
    const issued = await issueCampaigns(options, client);
    const minutes = issued.samples.at(-1)!.minutes;
    print('everything is issued: waiting until it is drained and archived');
    const archived = await waitUntil(async () => (await countRegistered(stack)) <= registeredBefore, {
      what: 'Redis keeps no campaign of this run',
      timeoutMs: ARCHIVED_WITHIN_MS,
      intervalMs: 200,
    }).then(
      () => [],
      (err: unknown) => [(err as Error).message],
    );
    const slopes = evaluateSamples(issued.samples);
    const books = await checkBooks(stack, issued.couponIds, coupons);
    const replays = await replayOldWinners(client, issued.couponIds, coupons);
    const notFlat = Object.entries(slopes).filter(([, { flat }]) => !flat);
    return {
      campaigns,
      couponsEach: coupons,
      told: issued.told,
      rows: books.rows,
      minutes,
      couponsPerSecond: Math.round(issued.told / (minutes * 60)),
      replayed: replays.replayed,
      end: await readValues(stack),
      slopes,
      faults: [
        ...issued.faults,
        ...archived,
        ...(books.rows === issued.told ? [] : [`told ${issued.told}, MySQL has ${books.rows}`]),
        ...books.faults,
        ...replays.faults,
        ...notFlat.map(([name]) => `${name} is not flat`),
      ],
      samples: issued.samples,
    };
  } finally {
    client.close();
  }
}

async function issueCampaigns(
  { stack, campaigns, coupons, print }: CampaignsOptions,
  client: IssueClient,
): Promise<{ couponIds: number[]; told: number; samples: Sample[]; faults: string[] }> {
  const admin = new AdminClient(stack);
  const sampleEvery = Math.max(1, Math.min(SAMPLE_EVERY, Math.floor(campaigns / SAMPLES_LEAST)));
  const startedMs = Date.now();
  const couponIds: number[] = [];
  const samples: Sample[] = [];
  const faults: string[] = [];
  let told = 0;
  for (let made = 1; made <= campaigns; made += 1) {
    const couponId = await admin.createCampaign('one of many', coupons);
    const { 200: ok = 0, ...others } = await client.issueAll(couponId, couponIds.length * coupons, coupons);
    couponIds.push(couponId);
    told += ok;
    if (ok !== coupons && faults.length < 20) faults.push(`coupon ${couponId}: ${JSON.stringify(others)}`);
    if (made % sampleEvery !== 0) continue;
    const values = await readValues(stack);
    samples.push({ minutes: (Date.now() - startedMs) / 60_000, campaigns: made, values });
    if (made % (sampleEvery * 4) === 0) print(`${made} campaigns: ${JSON.stringify(values)}`);
  }
  return { couponIds, told, samples, faults };
}

async function readValues(stack: Stack): Promise<Record<string, number>> {
  const [bytes, keys] = await withRedis(stack, (redis) =>
    Promise.all([readUsedMemory(redis), redis.dbsize()]),
  );
  const services = (await sampleServices(stack)).filter(({ service }) => /^(api|worker)-/.test(service));
  return {
    'redis memory MiB': roundTo(bytes / 1_048_576, 1),
    'redis keys': keys,
    ...Object.fromEntries(services.map(({ service, rssMiB }) => [`${service} memory MiB`, rssMiB])),
  };
}

function evaluateSamples(samples: readonly Sample[]): CampaignsResult['slopes'] {
  const { minutes, values } = samples.at(-1)!;
  return Object.fromEntries(
    Object.keys(values).map((name) => {
      const points = samples.map((sample): Point => ({
        minutes: sample.minutes,
        value: sample.values[name]!,
      }));
      const [, allowance] = ALLOWED.find(([what]) => what.test(name))!;
      return [name, evaluateSeries(points, minutes, allowance)];
    }),
  );
}

const countRegistered = (stack: Stack): Promise<number> =>
  withRedis(stack, async (redis) => {
    const counts = await Promise.all(allPartitions().map((partition) => redis.scard(registryKey(partition))));
    return counts.reduce((sum, count) => sum + count, 0);
  });

async function checkBooks(stack: Stack, couponIds: readonly number[], coupons: number) {
  const admin = new AdminClient(stack);
  const faults: string[] = [];
  let [rows, next] = [0, 0];
  const work = async () => {
    while (next < couponIds.length) {
      const couponId = couponIds[next++]!;
      const { persisted } = await admin.statistics(couponId);
      rows += persisted;
      if (persisted !== coupons && faults.length < 20) faults.push(`coupon ${couponId}: ${persisted} rows`);
    }
  };
  await Promise.all(Array.from({ length: BOOKS_AT_ONCE }, work));
  return { rows, faults };
}

/** The first winner of campaigns spread over the run, with the same key: the same 200; with nothing in Redis any more. */
async function replayOldWinners(client: IssueClient, couponIds: readonly number[], coupons: number) {
  const faults: string[] = [];
  let replayed = 0;
  const step = Math.max(1, Math.floor(couponIds.length / OLD_WINNERS));
  for (let i = 0; i < couponIds.length; i += step) {
    const answer = await client.issue(couponIds[i]!, `c${i * coupons}`);
    if (answer.status === 200 && answer.replayed) replayed += 1;
    else faults.push(`an old winner of coupon ${couponIds[i]} got ${JSON.stringify(answer)}`);
  }
  return { replayed, faults };
}
