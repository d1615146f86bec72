import { describe, expect, it } from '@jest/globals';
import { changesOf } from '../../report/changes.js';
import { renderHtml } from '../../report/html.js';
import { renderMarkdown } from '../../report/markdown.js';
import { auditWords } from '../../report/tables.js';
import { sayVerdict } from '../../report/verdict.js';
import { inWords } from '../../report/words.js';
import { summarise } from '../../summarise.js';
import type { RunRecord, StoredComparison } from '../../types.js';
import { sampleComparison } from '../support/sample-comparison.js';

const say = (stored: StoredComparison): string =>
  [sayVerdict(summarise(stored)), ...inWords(summarise(stored), stored.runs)].join('\n');

describe('the report in words', () => {
  it('opens with what the largest count gave, in times of the first', () => {
    const opening = /^4 replicas issued 3\.88 × as much as 1, in the median of 3 rounds/;
    expect(say(sampleComparison())).toMatch(opening);
    expect(renderHtml(sampleComparison())).toMatch(/<p class="answer">4 replicas issued 3\.88 ×/);
  });

  it('says that more replicas would help when they were the limit, and that they would not when Redis was', () => {
    expect(say(sampleComparison())).toContain('more of them would still help');
    const redis = sampleComparison({}, (run) => ({ ...run, saturatedFirst: 'redis' }));
    expect(say(redis)).toContain('Redis was the limit: more replicas alone would not help');
  });

  it('says that the load generator hid what the system can do', () => {
    expect(say(sampleComparison({}, (run) => ({ ...run, saturatedFirst: 'k6' })))).toContain(
      'the load generator was the limit',
    );
  });

  it('names runs that do not count and answers that the databases do not confirm', () => {
    const stored = sampleComparison({}, (run) =>
      run.round === 3 && run.replicas === 4
        ? { ...run, audit: { ...run.audit, lost: 2 }, invalid: ['the audit is not clean'] }
        : run,
    );
    expect(say(stored)).toContain('1 of 9 runs does not count and is in no figure');
    expect(say(stored)).toContain('In 1 of 9 runs the audit found answers');
  });

  it('does not call an audit clean that found dead letters or never saw everything in MySQL', () => {
    const stored = sampleComparison({}, (run) => {
      if (run.round === 1) return { ...run, audit: { ...run.audit, deadLetters: 3 } };
      return run.round === 2 ? { ...run, audit: { ...run.audit, persistedAfterMs: null } } : run;
    });
    expect(say(stored)).toContain('In 6 of 9 runs the audit found');
    expect([...new Set(stored.runs.map(auditWords))]).toEqual([
      '3 deadLetters',
      'not all in MySQL in time',
      'clean',
    ]);
  });

  it('says that every user got an answer only when every user did, and else of whom the waits are', () => {
    expect(say(sampleComparison())).toContain('Every user got a definite answer.');
    const stored = sampleComparison({}, (run) =>
      run.replicas === 4 && run.round === 2
        ? { ...run, answers: { ...run.answers, issued: 2_999, timeouts: 1 } }
        : run,
    );
    expect(say(stored)).toContain('99.99 % of the users got a definite answer where it went worst');
    expect(say(stored)).toMatch(/With 1 replica 95 of 100 users who got a definite answer had it within/);
    expect(renderHtml(stored)).toContain('half of the users who got a definite answer waited less');
  });

  it('says that nobody got an answer instead of giving a wait of nothing', () => {
    const stored = sampleComparison({}, (run) =>
      run.replicas === 4
        ? {
            ...run,
            latencyMs: { p50: null, p95: null, p99: null, max: null },
            answers: { ...run.answers, issued: 0, timeouts: 3_000 },
          }
        : run,
    );
    expect(say(stored)).toContain('with 4 nobody got a definite answer');
  });

  it('says that a comparison was interrupted, and shows the rounds that are missing', () => {
    const whole = sampleComparison();
    const part = { ...whole, runs: whole.runs.slice(0, 4) };
    expect(say(part)).toMatch(/\nInterrupted: 4 of 9 runs are there; the same command goes on\./);
    expect(renderMarkdown(part)).toContain('| 4 | 1 of 3 |');
    expect(renderHtml(part)).toContain('<td class="bad">1 of 3</td>');
    expect(say(whole)).not.toContain('Interrupted');
    expect(say({ ...whole, runs: [] })).not.toContain('All runs count');
  });

  it('says when nobody checked the samples', () => {
    const stored = sampleComparison({}, (run) =>
      run.round === 1 ? { ...run, samples: { ...run.samples, influxdb: null } } : run,
    );
    expect(say(stored)).toContain('Samples not checked in 3 of 9 runs: no InfluxDB.');
    expect(say(sampleComparison())).not.toContain('not checked');
  });
});

describe('the capacity in the report', () => {
  const step = {
    replicas: 2,
    rate: 200,
    achieved: 198.4,
    p99Ms: 20,
    errorRate: 0,
    droppedIterations: 0,
    broke: [],
    saturatedFirst: null,
    cpu: [],
  };
  const limits = { p99Ms: 1_000, errorRate: 0 };

  it('names its limits and what was answered, and is a least value when no step broke', () => {
    const stored = { ...sampleComparison(), capacity: { limits, steps: [step] } };
    expect(say(stored)).toContain(
      'Under a rising rate (limits: p99 within 1.00 s, no error) 2 replicas held at least 200 requests a second (198/s answered).',
    );
    expect(renderMarkdown(stored)).toContain('| 2 | at least 200/s | 198/s | – | – | nothing |');
  });

  it('never says that a step held which does not count', () => {
    const broken = { ...step, invalid: ['the audit is not clean'] };
    const stored = { ...sampleComparison(), capacity: { limits, steps: [broken] } };
    expect(say(stored)).toContain('2 replicas held no rate that was tried; 200 did not count');
    expect(renderMarkdown(stored)).toContain('200/s does not count: the audit is not clean');
  });

  it('has an answer when no run is valid', () => {
    expect(say(sampleComparison({}, (run) => ({ ...run, invalid: ['dropped'] })))).toContain(
      'nothing to compare',
    );
  });
});

describe('what a comparison can show', () => {
  it('calls the rate of arrivals given, and speaks of no scaling', () => {
    const stored = sampleComparison({ scenario: 'arrival', rate: 120 }, (run) => ({ ...run, tps: 120 }));
    expect(say(stored)).toMatch(/^Users arrived at 120 a second, whatever the replicas/);
    expect(summarise(stored).byReplicas.map(({ efficiency }) => efficiency)).toEqual([null, null, null]);
    expect(renderHtml(stored)).not.toContain('perfect scaling');
  });

  it('measures by the smallest count, also when that is not one replica', () => {
    const html = renderHtml(sampleComparison({ replicas: [2, 4] }));
    expect(html).toContain('<strong>1.96 ×</strong><span>the rate of 2 replicas</span>');
  });
});

describe('changes between two comparisons', () => {
  it('calls a change clear only when the spreads do not overlap', () => {
    const before = summarise(sampleComparison());
    const faster = summarise(
      sampleComparison({ id: 'faster', code: 'def' }, (run) => ({
        ...run,
        tps: run.tps * (run.replicas === 4 ? 1.3 : 1.01),
      })),
    );
    expect(changesOf(before, faster).map(({ replicas, isClear }) => [replicas, isClear])).toEqual([
      [1, false],
      [2, false],
      [4, true],
    ]);
  });

  it('tells nothing from one round, whose least is its most', () => {
    const before = summarise(sampleComparison({ rounds: 1 }));
    const now = sampleComparison({ rounds: 1 }, (run) => ({ ...run, tps: run.tps * 1.5 }));
    expect(changesOf(before, summarise(now)).map(({ isClear }) => isClear)).toEqual([false, false, false]);
    const text = renderMarkdown(now, sampleComparison({ rounds: 1 }));
    expect(text).toContain('+50.0 % (too few rounds to tell)');
    expect(text).toContain('Too few rounds to tell at 1 replica, 2 replicas, 4 replicas');
    expect(text).not.toContain('No replica count changed');
  });

  it('compares the waits of arrivals, where less is better', () => {
    const arrival = { scenario: 'arrival', rate: 100 } as const;
    const steady = (factor: number) => (run: RunRecord) => ({
      ...run,
      tps: 100,
      latencyMs: { ...run.latencyMs, p95: (factor + run.round) * run.replicas },
    });
    const [before, now] = [sampleComparison(arrival, steady(100)), sampleComparison(arrival, steady(50))];
    const html = renderHtml(now, before);
    expect(html).toContain('<td class="good">−49.0 %</td>');
    expect(html).toContain('The rate of arrivals is set, so the waits (p95) are compared: lower is better.');
    expect(renderHtml(before, now)).toMatch(/<td class="bad">\+96\.2 %<\/td>/);
  });

  it('warns when the conditions were not the same', () => {
    const now = sampleComparison({ id: 'now', users: 10_000 });
    expect(renderMarkdown(now, sampleComparison())).toContain('the number of users (3000 → 10000)');
    const slower = sampleComparison({ scenario: 'arrival', rate: 50, rounds: 5 });
    const text = renderMarkdown(slower, sampleComparison({ scenario: 'arrival', rate: 100 }));
    expect(text).toContain('the rate asked for (100 → 50), the number of rounds (3 → 5)');
  });
});

describe('report.html', () => {
  it('names no address that a browser would load', () => {
    const html = renderHtml(sampleComparison(), sampleComparison({ id: 'earlier' }));
    expect(html).not.toMatch(/<(script|link|img|iframe)[^>]+(src|href)=/);
    expect(html).toContain("default-src 'none'");
  });

  it('shows text of a run as text', () => {
    const html = renderHtml(sampleComparison({ code: '<script>alert(1)</script>' }));
    expect(html).not.toContain('<script>alert(1)');
  });
});

describe('report.md', () => {
  it('has the table, the original run beside it, and the conditions', () => {
    const text = renderMarkdown(sampleComparison());
    expect(text).toContain('| 4 | 3 of 3 |');
    expect(text).toContain('| original published run (1 instance) |');
    expect(text).toContain('- Machine: 2 CPUs, 24 GiB');
  });

  it("has the time to the last answer of a burst, and k6's own floor beside it", () => {
    const floors = [900, 1_000, 4_000].map((makespanMs) => ({
      makespanMs,
      latencyMs: { p50: 300, p95: 700, p99: 800, max: 900 },
      issued: 3_000,
      users: 3_000,
    }));
    const rows = renderMarkdown(sampleComparison({ floors })).split('\n');
    const columns = (start: string) =>
      rows
        .find((row) => row.startsWith(start))!
        .split('|')
        .map((text) => text.trim());
    const lastAnswer = columns('| replicas').indexOf('last answer');
    expect(columns('| 4')[lastAnswer]).toBe('5.21 s');
    expect(columns("| k6's own floor")[lastAnswer]).toBe('1.00 s');
    expect(columns("| k6's own floor")[columns('| replicas').indexOf('success')]).toBe('100 %');
    const saturation = renderMarkdown(sampleComparison({ scenario: 'saturate' }));
    expect(saturation).not.toContain('last answer');
    expect(saturation).not.toContain('floor');
  });
});
