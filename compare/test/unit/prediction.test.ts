import { describe, expect, it } from '@jest/globals';
import { predictionTable } from '../../report/tables.js';
import { inWords } from '../../report/words.js';
import { summarise } from '../../summarise.js';
import { sampleComparison } from '../support/sample-comparison.js';

describe('what to add next', () => {
  const perReplica = sampleComparison({}, (run) => ({ ...run, tps: 100 * run.replicas }));
  const { predictions } = summarise(perReplica);

  it('is more replicas while everything else has room, at twice the rate', () => {
    expect(predictions[0]).toEqual({
      ...{ replicas: 1, issued: 100, twice: 200, measured: 200 },
      next: { part: 'machine', utilisation: 0.2 },
    });
  });

  it('is held by the part that would be full before', () => {
    expect(predictions[2]).toMatchObject({ replicas: 4, twice: 400 / 0.8, measured: null });
    const busy = sampleComparison({}, (run) => ({
      ...run,
      tps: 100,
      cpu: [{ component: 'redis', seconds: 9, limitCpus: 1, utilisation: 0.9 }],
    }));
    const [one] = summarise(busy).predictions;
    expect(one).toMatchObject({ next: { part: 'redis' }, measured: 100 });
    expect(one!.twice).toBeCloseTo(100 / 0.9);
  });

  it('leaves out runs that do not count, and a rate that is given', () => {
    const bad = sampleComparison({}, (run) => ({ ...run, invalid: ['robbed'] }));
    expect(summarise(bad).predictions).toEqual([]);
    expect(predictionTable(summarise(bad))).toBeNull();
    expect(summarise(sampleComparison({ scenario: 'arrival' })).predictions).toEqual([]);
  });

  it('is told in the report, beside what was measured', () => {
    const table = predictionTable(summarise(perReplica))!;
    expect(table.rows[0]!.cells.map(({ text }) => text)).toEqual([
      ...['1', '100/s', 'the machine, 20 %', '200/s', '200/s', '100 %'],
    ]);
    expect(inWords(summarise(perReplica), perReplica.runs).join(' ')).toContain(
      'Besides them the machine is nearest to its limit (80 %): 8 replicas should issue about 500/s.',
    );
  });
});
