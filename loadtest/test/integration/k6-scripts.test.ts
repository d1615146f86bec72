import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openFileLimit } from '../../../common/open-file-limit.js';
import { resultsFolder } from '../../../common/paths.js';
import { openStack } from '../../../stack/open-stack.js';
import type { Stack } from '../../../stack/types.js';
import { NoK6Error, provideK6, type K6 } from '../../k6-binary.js';
import { runK6 } from '../../k6-run.js';
import { runScenario } from '../../run-scenario.js';
import { plan, type ScenarioName, type Sizes } from '../../scenarios.js';

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

/** Null, with a line that says so, where k6 cannot be had. The first time it may be built, which takes minutes. */
async function k6OrNull(): Promise<K6 | null> {
  try {
    return await provideK6({ onProgress: tell });
  } catch (err) {
    if (!(err instanceof NoK6Error)) throw err;
    tell(`SKIPPED: the k6 scripts. ${err.message}`);
    return null;
  }
}

const k6 = await k6OrNull();
const describeWithK6 = k6 ? describe : describe.skip;
const INSTANCE = 'loadtest-test';
const STACK_TIMEOUT_MS = 180_000;

describeWithK6('every k6 script, run small against two replicas', () => {
  let stack: Stack | undefined;

  beforeAll(async () => {
    stack = await openStack({ mode: 'native', name: INSTANCE });
    await stack.up({ api: 2 });
  }, STACK_TIMEOUT_MS);

  afterAll(async () => {
    await stack?.destroy();
  }, STACK_TIMEOUT_MS);

  const run = async (scenario: ScenarioName, sizes: Sizes, generators = 1) => {
    const result = await runScenario({
      stack: stack!,
      replicas: 2,
      plan: plan(scenario, sizes, openFileLimit()),
      k6: k6!,
      generators,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
    const folder = join(resultsFolder('loadtest'), result.testid);
    const written: unknown = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8'));
    await rm(folder, { recursive: true });
    expect(written).toEqual(JSON.parse(JSON.stringify(result)));
    return result;
  };

  const CLEAN = { lost: 0, duplicated: 0, oversold: 0, phantom: 0, falseRejections: 0, unpersisted: 0 };

  it('peak: every user gets a coupon', async () => {
    const result = await run('peak', { users: 20 });
    expect(result.faults).toEqual([]);
    expect(result.answers).toMatchObject({ '200': 20, '409': 0, '410': 0, other: 0 });
    expect(result.audit).toMatchObject(CLEAN);
    expect(result.tps).toBeGreaterThan(0);
  });

  it('peak from two generators: each user asks once, and the audit is over what both were told', async () => {
    const result = await run('peak', { users: 21 }, 2);
    expect(result.faults).toEqual([]);
    expect(result.answers).toMatchObject({ '200': 21, '409': 0, '410': 0, other: 0 });
    expect(result.users).toBe(21);
    expect(result.audit).toMatchObject(CLEAN);
    expect(result.generators.map(({ segment }) => segment)).toEqual(['1/2', '2/2']);
    expect(result.generators.reduce((sum, { users }) => sum + users, 0)).toBe(21);
    for (const { users, startedLateMs } of result.generators) {
      expect(users).toBeGreaterThanOrEqual(10);
      expect(startedLateMs).toBeGreaterThanOrEqual(0);
    }
  });

  it('duplicates from two generators: no user is in both', async () => {
    const result = await run('duplicates', { users: 9 }, 2);
    expect(result.faults).toEqual([]);
    expect(result.answers).toMatchObject({ '200': 9, '409': 18 });
  });

  it('a generator that is not ready at the common start ends before the burst', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'k6-run-'));
    const running = runK6({
      k6: k6!,
      script: 'peak',
      folder,
      env: { USERS: '5', BASE_URL: stack!.frontUrl, COUPON_ID: '1', START_AT_MS: String(Date.now()) },
      tags: {},
      requests: 5,
      onProgress: () => undefined,
    });
    await expect(running).rejects.toThrow(/ready \d+ ms after the start/);
    await rm(folder, { recursive: true });
  });

  it('sold-out: as many users as coupons win, and the others are told 410', async () => {
    const result = await run('sold-out', { users: 40, stock: 20, vus: 20 });
    expect(result.faults).toEqual([]);
    expect(result.answers).toMatchObject({ '200': 20, '410': 20 });
    expect(result.audit).toMatchObject(CLEAN);
  });

  it('duplicates: of three simultaneous tries exactly one wins', async () => {
    const result = await run('duplicates', { users: 20 });
    expect(result.faults).toEqual([]);
    expect(result.answers).toMatchObject({ '200': 20, '409': 40 });
    expect(result.audit).toMatchObject(CLEAN);
  });

  it.each(['constant', 'ramping'] as const)(
    'arrival, %s: everyone who arrives is answered',
    async (profile) => {
      const result = await run('arrival', { rate: 20, durationS: 1, profile });
      expect(result.faults).toEqual([]);
      expect(result.answers['200']).toBe(result.users);
      expect(result.audit).toMatchObject(CLEAN);
    },
  );

  it('a run that does not come out as expected says so', async () => {
    const planned = plan('peak', { users: 20, stock: 15 }, openFileLimit());
    const result = await runScenario({
      stack: stack!,
      replicas: 2,
      plan: { ...planned, users: 30, env: { ...planned.env, EXPECT_ISSUED: '20' } },
      k6: k6!,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
    await rm(join(resultsFolder('loadtest'), result.testid), { recursive: true });
    expect(result.faults).toContain('20 users asked, expected 30');
    expect(result.faults).toContain('k6 threshold on coupons_issued failed: count==20');
  });

  it('k6 ends before the burst when there is no such coupon', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'k6-run-'));
    const running = runK6({
      k6: k6!,
      script: 'peak',
      folder,
      env: { USERS: '5', BASE_URL: stack!.frontUrl, COUPON_ID: '999999' },
      tags: {},
      requests: 5,
      onProgress: () => undefined,
    });
    await expect(running).rejects.toThrow(/answers 404/);
    await rm(folder, { recursive: true });
  });
});

describeWithK6('the k6 scripts', () => {
  it('refuse to load a service that is not on this machine', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'k6-run-'));
    const running = runK6({
      k6: k6!,
      script: 'peak',
      folder,
      env: { USERS: '1', BASE_URL: 'http://192.0.2.1:8080' },
      tags: {},
      requests: 1,
      onProgress: () => undefined,
    });
    await expect(running).rejects.toThrow(/not on this machine/);
    await rm(folder, { recursive: true });
  });
});
