import { describe, expect, it } from '@jest/globals';
import { changesOf } from '../../compare/report/changes.js';
import { renderHtml } from '../../compare/report/html.js';
import { renderMarkdown } from '../../compare/report/markdown.js';
import { inWords } from '../../compare/report/words.js';
import { summarise } from '../../compare/summarise.js';
import type { StoredComparison } from '../../compare/types.js';
import { sampleComparison } from '../support/sample-comparison.js';

const say = (stored: StoredComparison): string => inWords(summarise(stored), stored.runs).join('\n');

describe('the report in words', () => {
  it('says what each replica count gave, in times of the first', () => {
    expect(say(sampleComparison())).toMatch(
      /^1 replica issued \d+ coupons a second; 2 replicas gave 1\.98 times that \(294\/s, 99 % of perfect scaling\), 4 replicas gave 3\.88 times/,
    );
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
    expect(say(stored)).toContain('1 of 9 runs do not count');
    expect(say(stored)).toContain('In 1 of 9 runs the audit found answers');
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

  it('warns when the conditions were not the same', () => {
    const now = sampleComparison({ id: 'now', users: 10_000 });
    expect(renderMarkdown(now, sampleComparison())).toContain('the number of users (3000 → 10000)');
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
});
