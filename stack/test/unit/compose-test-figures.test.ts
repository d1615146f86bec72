import { describe, expect, test } from '@jest/globals';
import type { Attempt } from '../../../loadtest/client-log.js';
import { readAccessLog } from '../../compose-test/access-log.js';
import { tally } from '../../compose-test/traffic.js';
import type { ComposeStack } from '../../compose.js';

const line = (upstream: string, uri = '/api/v1/coupons/call/1'): string =>
  JSON.stringify({ uri, status: 200, upstream });

function stackThatLogs(...lines: string[]): ComposeStack {
  const compose: ComposeStack['compose'] = (_args, options) => {
    lines.forEach((text) => options?.onLine?.(text));
    return Promise.resolve('');
  };
  return { compose } as unknown as ComposeStack;
}

const attempt = (status: number, replayed = false, durationMs = 1): Attempt => ({
  userId: 'a',
  key: null,
  sentMs: 0,
  answer: {
    status,
    rank: 1,
    durationMs,
    errorCode: 7,
    replayed,
    code: status === 503 ? 'unavailable' : null,
  },
});

describe('access log of the compose test', () => {
  test('counts a call for the replica that gave the final answer', async () => {
    const stack = stackThatLogs(
      line('10.0.0.2:3000'),
      line('10.0.0.2:3000, 10.0.0.3:3000'),
      line('10.0.0.2:3000 : 10.0.0.4:3000'),
    );
    const { byReplica } = await readAccessLog(stack, new Date());
    expect([...byReplica]).toEqual([
      ['10.0.0.2:3000', 1],
      ['10.0.0.3:3000', 1],
      ['10.0.0.4:3000', 1],
    ]);
  });

  test('tells a call passed on within a pass from one that needed a second pass', async () => {
    const stack = stackThatLogs(line('a:1, b:1'), line('a:1 : b:1'), line('a:1 : b:1, c:1'), line('a:1'));
    expect(await readAccessLog(stack, new Date())).toMatchObject({ passedOn: 2, secondPass: 2 });
  });

  test("leaves out other calls and nginx's own messages", async () => {
    const stack = stackThatLogs(
      '2026/11/22 [warn] 1#1: …',
      line('a:1', '/api/v1/coupons/1'),
      '{"uri":7}',
      'null',
      '{',
    );
    expect((await readAccessLog(stack, new Date())).byReplica.size).toBe(0);
  });
});

describe('tally of the compose test', () => {
  test('everything but a 200 is a failure, named by status and code', () => {
    const unanswered = { ...attempt(200), answer: null };
    const result = tally([
      attempt(200),
      attempt(200, true, 9),
      attempt(503),
      attempt(0),
      attempt(0),
      unanswered,
    ]);
    expect(result).toEqual({
      sent: 6,
      issued: 2,
      replayed: 1,
      slowestMs: 9,
      failed: { '503 unavailable': 1, '0 7': 2, unanswered: 1 },
    });
  });
});
