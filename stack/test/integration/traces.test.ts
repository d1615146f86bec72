import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { waitUntil } from '../../../common/wait-until.js';
import { openNativeStack } from '../../native/native-stack.js';
import type { NativeStack } from '../../types.js';
import { startSpanCollector, type ReceivedSpan } from './span-collector.js';

type Collector = Awaited<ReturnType<typeof startSpanCollector>>;

const name = `test-traces-${process.pid}`;

describe('traces', () => {
  let collector: Collector;
  let stack: NativeStack;

  const start = async (env: Record<string, string>) => {
    stack = await openNativeStack({ name, env: { LOG_LEVEL: 'warn', SHUTDOWN_GRACE_MS: '100', ...env } });
    await stack.up({ api: 1 });
  };
  const issue = (userId: string) =>
    fetch(`${stack.frontUrl}/api/v1/coupons/call/1`, {
      method: 'POST',
      // A client that asks for its own call to be recorded.
      headers: { 'x-user-id': userId, traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` },
    });
  const countWritten = async () => {
    const { port } = await stack.service('worker-1');
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(/^coupon_drain_rows_total\{kind="inserted"\} (\d+)$/m.exec(page)?.[1]);
  };
  const named = (name: string): ReceivedSpan[] => collector.spans.filter((span) => span.name === name);

  beforeAll(async () => {
    collector = await startSpanCollector();
  });
  afterEach(() => stack.destroy());
  afterAll(() => collector.stop());

  test('lead from the request id of nginx to the row in MySQL', async () => {
    await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER_ARG: '1',
      OTEL_BSP_SCHEDULE_DELAY: '60000',
    });
    const users = Array.from({ length: 40 }, (_, i) => `traced-${i}`);
    const answers = await Promise.all(users.map(issue));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const requestIds = answers.map(({ headers }) => headers.get('x-request-id'));
    await waitUntil(async () => (await countWritten()) === users.length, {
      what: 'all written',
      timeoutMs: 20_000,
    });
    expect(collector.spans).toEqual([]);
    // Programs send what they have left when they close.
    await stack.down();

    const calls = named('POST /api/v1/coupons/call/{couponId}');
    expect(calls.map(({ attributes }) => attributes['http.request.header.x-request-id']).sort()).toEqual(
      requestIds.sort(),
    );
    expect(new Set(calls.map(({ service, parentSpanId }) => `${service} ${parentSpanId ?? ''}`))).toEqual(
      new Set(['api ']),
    );
    expect(new Set(calls.map(({ traceId }) => traceId)).size).toBe(users.length);

    const batches = named('issueCoupons');
    const batchesOf = (call: ReceivedSpan) =>
      batches.filter(
        ({ spanId, parentSpanId }) => parentSpanId === call.spanId || call.links.includes(spanId),
      );
    expect(calls.map((call) => batchesOf(call).length)).toEqual(users.map(() => 1));
    const linkedCalls = batches.flatMap(({ parentSpanId, links }) => [parentSpanId, ...links]);
    expect(linkedCalls.sort()).toEqual(calls.map(({ spanId }) => spanId).sort());
    expect(batches.reduce((sum, { attributes }) => sum + Number(attributes['coupon.issued']), 0)).toBe(40);

    const drains = named('drain');
    expect(new Set(drains.map(({ service }) => service))).toEqual(new Set(['worker']));
    const drained = drains.flatMap(({ parentSpanId, links }) => [parentSpanId, ...links]);
    expect(drained.sort()).toEqual(batches.map(({ spanId }) => spanId).sort());
    const writes = named('persist');
    expect(writes.map(({ parentSpanId }) => parentSpanId).sort()).toEqual(
      drains.map(({ spanId }) => spanId).sort(),
    );
    const [write] = writes;
    expect(batches.map(({ traceId }) => traceId)).toContain(write!.traceId);
    expect(
      writes.reduce((sum, { attributes }) => sum + Number(attributes['db.operation.batch.size']), 0),
    ).toBe(40);
  });

  test('that nobody takes cost no answer and hold no program up', async () => {
    const away = await startSpanCollector();
    await away.stop();
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: away.url, OTEL_TRACES_SAMPLER_ARG: '1' });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => issue(`untraced-${i}`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const api = await stack.service('api-1');
    const startMs = performance.now();
    await api.stop();
    expect(performance.now() - startMs).toBeLessThan(8_000);
    expect((await stack.status()).find(({ service }) => service === 'api-1')?.state).not.toBe('ready');
  });
});
