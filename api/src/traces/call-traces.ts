import type { IncomingMessage, ServerResponse } from 'node:http';
import { propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Link, Span, Tracer } from '@opentelemetry/api';
import type { CouponGate } from '../coupon/ports.js';
import type { Attempt, CouponId, IssueOutcome } from '../coupon/types.js';

/** Carries a trace on, as W3C's `traceparent`. */
type Carrier = { traceparent?: string };

/**
 * A span for each sampled issue call, and one for each script call that has such a call in its batch. A batch has many calls
 * and a span has one parent: the first sampled call is the parent, the others are linked, in both directions.
 *
 * No trace begins outside: a client could have every call of its own recorded.
 */
export class CallTraces {
  /** By fingerprint: the batch has nothing else of the call. Of two calls with one key at a time, the later is followed. */
  readonly #spans = new Map<string, Span>();

  constructor(
    private readonly tracer: Tracer,
    /** Of the calls, 0 to 1. */
    private readonly share: number,
  ) {}

  /** Its span ends with the answer, or when the caller goes. */
  readonly begin = (
    req: IncomingMessage,
    res: ServerResponse,
    couponId: CouponId,
    fingerprint: string,
  ): void => {
    // Not by a sampler of the SDK: it makes an id and a span for every call before it says no (docs/performance.md).
    if (Math.random() >= this.share) return;
    const span = this.tracer.startSpan(
      'POST /api/v1/coupons/call/{couponId}',
      { kind: SpanKind.SERVER, root: true },
      ROOT_CONTEXT,
    );
    span.setAttributes({
      'http.request.method': 'POST',
      'http.route': '/api/v1/coupons/call/{couponId}',
      'coupon.id': couponId,
    });
    const requestId = req.headers['x-request-id'];
    if (typeof requestId === 'string') span.setAttribute('http.request.header.x-request-id', requestId);
    this.#spans.set(fingerprint, span);
    res.once('close', () => {
      if (this.#spans.get(fingerprint) === span) this.#spans.delete(fingerprint);
      if (res.writableFinished) span.setAttribute('http.response.status_code', res.statusCode);
      if (!res.writableFinished || res.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
  };

  /** The same gate, with a span for a batch that has a sampled call in it. */
  follow(gate: Pick<CouponGate, 'issue'>): Pick<CouponGate, 'issue'> {
    return {
      issue: (couponId, attempts) => {
        const spans = this.#spans.size === 0 ? [] : this.#find(attempts);
        return spans.length === 0
          ? gate.issue(couponId, attempts)
          : this.#issue(gate, couponId, attempts, spans);
      },
    };
  }

  #find(attempts: readonly Attempt[]): Span[] {
    return attempts.flatMap(({ fingerprint }) => this.#spans.get(fingerprint) ?? []);
  }

  async #issue(
    gate: Pick<CouponGate, 'issue'>,
    couponId: CouponId,
    attempts: readonly Attempt[],
    [first, ...others]: Span[],
  ): Promise<IssueOutcome[]> {
    const links = others.map((span): Link => ({ context: span.spanContext() }));
    const batch = this.tracer.startSpan(
      'issueCoupons',
      {
        kind: SpanKind.CLIENT,
        attributes: {
          'db.system.name': 'redis',
          'db.operation.name': 'EVALSHA',
          'db.operation.batch.size': attempts.length,
          'coupon.id': couponId,
        },
        links,
      },
      trace.setSpan(ROOT_CONTEXT, first!),
    );
    for (const span of others) span.addLink({ context: batch.spanContext() });
    const carrier: Carrier = {};
    propagation.inject(trace.setSpan(ROOT_CONTEXT, batch), carrier);
    const outcomes = await gate.issue(couponId, attempts, carrier.traceparent);
    batch.setAttribute('coupon.issued', outcomes.filter(({ kind }) => kind === 'issued').length);
    if (outcomes.some(({ kind }) => kind === 'outcomeUnknown'))
      batch.setStatus({ code: SpanStatusCode.ERROR });
    batch.end();
    return outcomes;
  }
}
