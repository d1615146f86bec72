import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { IssueOutcome } from '../coupon/types.js';

export type AnswerKind = IssueOutcome['kind'] | 'replayed' | 'badRequest' | 'overloaded';

interface ApiMetrics {
  registry: Registry;
  onAnswer: (kind: AnswerKind, durationMs: number) => void;
  onBatch: (size: number, durationMs: number) => void;
  staleGates: Counter;
  onAbandoned: (count: number) => void;
  /** Time from nginx to the handler. */
  onWait: (waitMs: number) => void;
  /** Forgets every issue call there was. */
  reset: () => void;
}

/** `pending`: attempts whose outcome is not known yet. */
export function createApiMetrics(pending: () => number): ApiMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });

  // Plain numbers on the hot path; prom-client sees them when it is asked. From 0 on: a rate begins with a known value.
  const answers: Record<AnswerKind, number> = {
    issued: 0,
    alreadyIssued: 0,
    soldOut: 0,
    ended: 0,
    notOpen: 0,
    unknownCoupon: 0,
    notReady: 0,
    outcomeUnknown: 0,
    replayed: 0,
    badRequest: 0,
    overloaded: 0,
  };
  new Counter({
    name: 'coupon_answers_total',
    help: 'Answers of the issue route by outcome',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(answers)) this.inc({ outcome }, count);
    },
  });
  new Gauge({
    name: 'coupon_attempts_pending',
    help: 'Attempts whose outcome is not known yet',
    registers: [registry],
    collect() {
      this.set(pending());
    },
  });
  const abandoned = new Counter({
    name: 'coupon_attempts_abandoned_total',
    help: 'Attempts that were not decided because their callers had gone',
    registers: [registry],
  });
  const wait = new Histogram({
    name: 'coupon_queue_wait_seconds',
    help: 'Time of issue calls in queues, from nginx to the handler',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'coupon_answer_duration_seconds',
    help: 'Time from the parsed request to its answer, in the replica',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });
  const batchSize = new Histogram({
    name: 'coupon_batch_size',
    help: 'Attempts in one script call',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers: [registry],
  });
  const batchDuration = new Histogram({
    name: 'coupon_redis_call_duration_seconds',
    help: 'Round trip of one script call',
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers: [registry],
  });

  const staleGates = new Counter({
    name: 'coupon_gates_stale_total',
    help: 'Gates that were shut because Redis had an old copy of them: always worth an alarm',
    registers: [registry],
  });

  return {
    registry,
    staleGates,
    onAnswer: (kind, durationMs) => {
      answers[kind] += 1;
      duration.observe(durationMs / 1000);
    },
    onBatch: (size, durationMs) => {
      batchSize.observe(size);
      batchDuration.observe(durationMs / 1000);
    },
    onAbandoned: (count) => abandoned.inc(count),
    onWait: (waitMs) => wait.observe(waitMs / 1000),
    reset: () => {
      for (const kind of Object.keys(answers) as AnswerKind[]) answers[kind] = 0;
      abandoned.reset();
      for (const histogram of [wait, duration, batchSize, batchDuration]) {
        histogram.reset();
        // Without it a histogram that has seen nothing is not there at all.
        histogram.zero({});
      }
    },
  };
}
