import { k6Database, type Influx, type Point } from '../common/influx.js';
import type { ComparisonRecord, RunRecord } from './types.js';

/** InfluxQL cannot shift time: curves are written as if every run had begun here, so that they lie over one another. */
const commonStartMs = Date.UTC(2000, 0, 1);

const tagsOf = (comparison: ComparisonRecord, run: RunRecord): Record<string, string> => ({
  comparison: comparison.id,
  testid: run.testid,
  scenario: run.scenario,
  replicas: String(run.replicas),
  round: String(run.round),
  valid: run.invalid.length === 0 ? 'yes' : 'no',
});

const event = (tags: Record<string, string>, title: string, timeMs: number): Point => ({
  measurement: 'events',
  tags,
  fields: { title, text: `${tags['testid']}: ${tags['replicas']} replicas, ${tags['scenario']}` },
  timeMs,
});

function summaryRow(tags: Record<string, string>, run: RunRecord, perfectTps: number): Point {
  return {
    measurement: 'compare_run',
    tags,
    fields: {
      tps: run.tps,
      p50: run.latencyMs.p50 ?? NaN,
      p95: run.latencyMs.p95 ?? NaN,
      p99: run.latencyMs.p99 ?? NaN,
      success: run.successRate * 100,
      efficiency: perfectTps > 0 ? (run.tps / perfectTps) * 100 : NaN,
      samples_k6: run.samples.k6,
      samples_influxdb: run.samples.influxdb ?? NaN,
      busy_first: run.saturatedFirst ?? 'nothing',
    },
    timeMs: Date.parse(run.startedAt),
  };
}

const curvePoints = (tags: Record<string, string>, run: RunRecord): Point[] =>
  run.curve.map((point) => ({
    measurement: 'compare_curve',
    tags,
    fields: {
      answers: point.issued + point.refused,
      failed: point.failed,
      p50: point.p50 ?? NaN,
      p95: point.p95 ?? NaN,
      p99: point.p99 ?? NaN,
    },
    timeMs: commonStartMs + point.second * 1_000,
  }));

/**
 * Start and end as annotations, one summary row, the curve from a common start.
 *
 * @param perfectTps what these replicas would issue a second with perfect scaling; 0 when that is not known yet
 */
export async function writeRun(
  influx: Influx,
  comparison: ComparisonRecord,
  run: RunRecord,
  perfectTps: number,
): Promise<void> {
  const tags = tagsOf(comparison, run);
  await influx.write(k6Database, [
    event({ ...tags, kind: 'start' }, 'start', Date.parse(run.startedAt)),
    event({ ...tags, kind: 'end' }, 'end', Date.parse(run.endedAt)),
    summaryRow(tags, run, perfectTps),
    ...curvePoints(tags, run),
  ]);
}
