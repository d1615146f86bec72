import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { findProgram } from '../../../stack/native/programs.js';
import { chartsOf } from '../../compare/report/charts.js';
import { renderHtml } from '../../compare/report/html.js';
import { summarise } from '../../compare/summarise.js';
import { sampleComparison } from '../support/sample-comparison.js';

const run = promisify(execFile);
const browser = ['chromium', 'chromium-browser', 'google-chrome'].map(findProgram).find(Boolean);
if (!browser) console.log('SKIPPED: the report in a browser needs Chromium (apt-get install chromium)');

const quiet = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
];
const folder = mkdtempSync(join(tmpdir(), 'report-'));
const file = join(folder, 'report.html');

/** A profile of its own for each start, and no wait for anything from a network. */
async function open(...flags: string[]): Promise<string> {
  const profile = mkdtempSync(join(folder, 'profile-'));
  const fixed = [
    '--disable-component-update',
    '--disable-sync',
    `--user-data-dir=${profile}`,
    '--virtual-time-budget=5000',
  ];
  const { stdout } = await run(browser!, [...quiet, ...fixed, ...flags, `file://${file}`], {
    maxBuffer: 1 << 24,
    timeout: 50_000,
  });
  return stdout;
}

/** Width and height, from a PNG's header. */
const sizeOf = (png: Buffer): [number, number] => [png.readUInt32BE(16), png.readUInt32BE(20)];

(browser ? describe : describe.skip)('report.html in Chromium', () => {
  const stored = sampleComparison();
  writeFileSync(file, renderHtml(stored));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('draws every chart, without a network', async () => {
    const dom = await open('--dump-dom', '--host-resolver-rules=MAP * ~NOTFOUND');
    expect(dom).toContain(`data-charts="${chartsOf(summarise(stored), stored.runs).length}"`);
  });

  it.each([
    ['light and wide', 1280, 1],
    ['dark and narrow', 500, 0],
  ])('can be looked at: %s', async (_, width, scheme) => {
    const picture = join(folder, `${width}.png`);
    await open(
      `--window-size=${width},2400`,
      `--blink-settings=preferredColorScheme=${scheme}`,
      `--screenshot=${picture}`,
    );
    const png = readFileSync(picture);
    expect(sizeOf(png)).toEqual([width, 2400]);
    // An empty page of this size is a few kilobytes.
    expect(png.length).toBeGreaterThan(60_000);
  });
});
