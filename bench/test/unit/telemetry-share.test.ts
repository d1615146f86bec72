import { describe, expect, it } from '@jest/globals';
import { computeTelemetryShare, type CpuProfile } from '../../measurements/telemetry-share.js';

const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url },
  children,
});

/** (root) → handler → observe (prom-client) → Map.set; and idle time. */
const profile = (samples: number[]): CpuProfile => ({
  nodes: [
    node(1, '(root)', '', [2, 5]),
    node(2, 'handler', 'file:///app/dist/api/src/http/routes/issue-route.js', [3]),
    node(3, 'observe', 'file:///app/node_modules/prom-client/lib/histogram.js', [4]),
    node(4, 'set', ''),
    node(5, '(idle)', ''),
  ],
  samples,
  timeDeltas: samples.map(() => 10),
});

describe('share of logging and metrics', () => {
  it('counts what the libraries call as theirs, and idle time not at all', () => {
    expect(computeTelemetryShare(profile([2, 2, 3, 4, 5, 5]))).toBe(0.5);
  });

  it('is nothing when nothing ran', () => {
    expect(computeTelemetryShare(profile([5]))).toBe(0);
  });
});
