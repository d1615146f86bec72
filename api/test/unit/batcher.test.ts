import { describe, expect, it } from '@jest/globals';
import { IssueBatcher, type Caller } from '../../src/coupon/issue-batcher.js';
import type { Attempt, CouponId, IssueOutcome } from '../../src/coupon/types.js';

/** Keeps every call until it is told to answer. */
class SlowGate {
  readonly calls: { couponId: CouponId; attempts: readonly Attempt[]; answer: () => void }[] = [];

  issue(couponId: CouponId, attempts: readonly Attempt[]): Promise<IssueOutcome[]> {
    return new Promise((resolve) => {
      const outcomes = attempts.map((_, i): IssueOutcome => ({
        kind: 'issued',
        rank: i + 1,
        issuedAtMs: 1,
        replayed: false,
      }));
      this.calls.push({ couponId, attempts, answer: () => resolve(outcomes) });
    });
  }
}

const waiting: Caller = { destroyed: false, socket: { readableEnded: false } };
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const sizes = (gate: SlowGate) => gate.calls.map(({ attempts }) => attempts.length);

function submitMany(batcher: IssueBatcher, couponId: CouponId, count: number): IssueOutcome[] {
  const outcomes: IssueOutcome[] = [];
  for (let i = 0; i < count; i++)
    batcher.submit(couponId, `u${i}`, 'k', waiting, (outcome) => (outcomes[i] = outcome));
  return outcomes;
}

describe('a batcher', () => {
  it('sends what one turn of the event loop brought in one call, in order', async () => {
    const gate = new SlowGate();
    const batcher = new IssueBatcher(gate, { batchMax: 256, lingerMs: 0 });
    const outcomes = submitMany(batcher, 1, 3);
    expect(gate.calls).toHaveLength(0);
    await nextTurn();
    expect(gate.calls[0]!.attempts.map(({ userId }) => userId)).toEqual(['u0', 'u1', 'u2']);
    expect(batcher.pending).toBe(3);
    gate.calls[0]!.answer();
    await nextTurn();
    expect(outcomes.map((outcome) => outcome.kind === 'issued' && outcome.rank)).toEqual([1, 2, 3]);
    expect(batcher.pending).toBe(0);
  });

  it('never mixes coupons', async () => {
    const gate = new SlowGate();
    const batcher = new IssueBatcher(gate, { batchMax: 256, lingerMs: 0 });
    submitMany(batcher, 1, 2);
    submitMany(batcher, 2, 3);
    await nextTurn();
    expect(gate.calls.map(({ couponId, attempts }) => [couponId, attempts.length])).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });

  it('sends a full batch at once and the rest after it, several calls in flight', async () => {
    const gate = new SlowGate();
    const batcher = new IssueBatcher(gate, { batchMax: 256, lingerMs: 0 });
    submitMany(batcher, 1, 600);
    expect(sizes(gate)).toEqual([256, 256]);
    await nextTurn();
    expect(sizes(gate)).toEqual([256, 256, 88]);
  });

  it('grows a batch while each turn brings more, and sends it after the first turn that brought nothing', async () => {
    const gate = new SlowGate();
    const batcher = new IssueBatcher(gate, { batchMax: 256, lingerMs: 60_000 });
    for (let i = 0; i < 5; i++) {
      submitMany(batcher, 1, 2);
      await nextTurn();
    }
    expect(sizes(gate)).toEqual([]);
    await nextTurn();
    expect(sizes(gate)).toEqual([10]);
  });

  it('holds nothing back for longer than the linger, however much goes on arriving', async () => {
    const gate = new SlowGate();
    const lingerMs = 5;
    const batcher = new IssueBatcher(gate, { batchMax: 1_000_000, lingerMs });
    const begunMs = performance.now();
    while (gate.calls.length < 3 && performance.now() - begunMs < 2_000) {
      submitMany(batcher, 1, 1);
      await nextTurn();
    }
    expect(gate.calls).toHaveLength(3);
    expect(performance.now() - begunMs).toBeGreaterThanOrEqual(3 * lingerMs);
    for (const size of sizes(gate)) expect(size).toBeGreaterThan(1);
  });

  it('tells the metrics the size of every call', async () => {
    const gate = new SlowGate();
    const told: number[] = [];
    const batcher = new IssueBatcher(gate, { batchMax: 2, lingerMs: 0, onBatch: (size) => told.push(size) });
    submitMany(batcher, 1, 3);
    await nextTurn();
    for (const { answer } of gate.calls) answer();
    await nextTurn();
    expect(told).toEqual([2, 1]);
  });

  it('leaves out attempts whose callers have gone before the batch is sent, and counts them', async () => {
    const gate = new SlowGate();
    let abandoned = 0;
    const options = { batchMax: 256, lingerMs: 0, onAbandoned: (count: number) => (abandoned += count) };
    const batcher = new IssueBatcher(gate, options);
    const callers = [
      { destroyed: false, socket: { readableEnded: false } },
      { destroyed: false, socket: { readableEnded: false } },
      { destroyed: false, socket: { readableEnded: false } },
    ];
    const told: string[] = [];
    callers.forEach((caller, i) =>
      batcher.submit(1, `u${i}`, 'k', caller, (outcome) => {
        if (outcome.kind === 'issued') told.push(`u${i} ${outcome.rank}`);
      }),
    );
    callers[0]!.destroyed = true;
    callers[1]!.socket.readableEnded = true;
    await nextTurn();
    expect(gate.calls.map(({ attempts }) => attempts.map(({ userId }) => userId))).toEqual([['u2']]);
    expect([abandoned, batcher.pending]).toEqual([2, 1]);
    gate.calls[0]!.answer();
    await nextTurn();
    expect(told).toEqual(['u2 1']);
    expect(batcher.pending).toBe(0);
  });

  it('asks nothing when nobody of a batch is left', async () => {
    const gate = new SlowGate();
    const batcher = new IssueBatcher(gate, { batchMax: 256, lingerMs: 0 });
    batcher.submit(1, 'u', 'k', { destroyed: true, socket: null }, () => undefined);
    await nextTurn();
    expect([gate.calls.length, batcher.pending]).toEqual([0, 0]);
  });
});
