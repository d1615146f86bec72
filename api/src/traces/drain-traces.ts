import { propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Span, Tracer } from '@opentelemetry/api';
import type { IssuedStore } from '../coupon/ports.js';

/** `traceparents`: of the entries in a batch, as far as they have one. */
export type TraceDrain = <T>(traceparents: readonly string[], drain: () => Promise<T>) => Promise<T>;

async function record<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (err) {
    span.recordException(err as Error);
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw err;
  } finally {
    span.end();
  }
}

/** A span for each batch that has a traced entry in it: the child of the first one, linked with the others. */
export const createTraceDrain =
  (tracer: Tracer): TraceDrain =>
  (traceparents, drain) => {
    if (traceparents.length === 0) return drain();
    const [first, ...others] = traceparents.map((traceparent) =>
      propagation.extract(ROOT_CONTEXT, { traceparent }),
    );
    const links = others
      .flatMap((context) => trace.getSpanContext(context) ?? [])
      .map((context) => ({ context }));
    const attributes = { 'messaging.system': 'redis', 'messaging.batch.message_count': traceparents.length };
    return tracer.startActiveSpan('drain', { kind: SpanKind.CONSUMER, attributes, links }, first!, (span) =>
      record(span, drain),
    );
  };

/** The same store, with a span for a statement that is part of a traced batch. */
export const traceStore = (
  tracer: Tracer,
  store: Pick<IssuedStore, 'persist'>,
): Pick<IssuedStore, 'persist'> => ({
  persist: (rows, lease) => {
    if (!trace.getActiveSpan()) return store.persist(rows, lease);
    const attributes = {
      'db.system.name': 'mysql',
      'db.operation.name': 'INSERT',
      'db.operation.batch.size': rows.length,
    };
    return tracer.startActiveSpan('persist', { kind: SpanKind.CLIENT, attributes }, (span) =>
      record(span, () => store.persist(rows, lease)),
    );
  },
});
