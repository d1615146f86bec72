import { describe, expect, test } from '@jest/globals';
import type { ComposeStack } from '../../../stack/types.js';
import { readAccessLog } from '../../nginx-log.js';

const line = (upstream: string, uri = '/api/v1/coupons/call/1'): string =>
  JSON.stringify({ uri, status: 200, upstream });

function stackThatLogs(...lines: string[]): ComposeStack {
  const compose: ComposeStack['compose'] = (_args, options) => {
    lines.forEach((text) => options?.onLine?.(text));
    return Promise.resolve('');
  };
  return { compose } as unknown as ComposeStack;
}

describe('readAccessLog', () => {
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
