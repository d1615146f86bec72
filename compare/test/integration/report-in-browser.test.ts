import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findProgram } from '../../../stack/native/programs.js';
import { chartsOf } from '../../report/charts.js';
import { renderHtml } from '../../report/html.js';
import { summarise } from '../../summarise.js';
import { Browser } from '../support/browser.js';
import { sampleComparison } from '../support/sample-comparison.js';

const program = ['chromium', 'chromium-browser', 'google-chrome'].map(findProgram).find(Boolean);
if (!program) console.log('SKIPPED: the report in a browser needs Chromium (apt-get install chromium)');

interface Seen {
  /** 0 black … 255 white. */
  readonly brightness: { readonly page: number; readonly text: number };
  readonly width: { readonly page: number; readonly window: number };
  readonly charts: {
    readonly id: string;
    readonly height: number;
    /** Measured series that have values and yet no pixel of their colour between the axes. */
    readonly notDrawn: string[];
  }[];
}

/** Runs in the page. */
const look = `(() => {
  const specs = JSON.parse(document.getElementById('chart-specs').textContent);
  const brightness = (colour) => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number);
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  };
  const body = getComputedStyle(document.body);
  return {
    brightness: { page: brightness(body.backgroundColor), text: brightness(body.color) },
    width: { page: document.documentElement.scrollWidth, window: innerWidth },
    charts: [...document.querySelectorAll('canvas')].map((canvas) => {
      const chart = Chart.getChart(canvas);
      const { left, top, width, height } = chart.chartArea;
      const { data } = canvas.getContext('2d').getImageData(left, top, width, height);
      const seen = new Set();
      for (let i = 0; i < data.length; i += 4) seen.add([data[i], data[i + 1], data[i + 2]].join());
      const { series } = specs.find(({ id }) => 'chart-' + id === canvas.id);
      const notDrawn = series.filter(({ line, values }, index) => {
        const shade = chart.data.datasets[index].backgroundColor;
        const colour = [1, 3, 5].map((at) => parseInt(shade.slice(at, at + 2), 16)).join();
        // A thin dashed line may lie between two rows of pixels, so that none has its colour.
        return !line && values.some((value) => value !== null) && !seen.has(colour);
      });
      const labels = notDrawn.map(({ label }) => label);
      return { id: canvas.id, height: canvas.clientHeight, notDrawn: labels };
    }),
  };
})()`;

(program ? describe : describe.skip)('report.html in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  const url = pathToFileURL(join(folder, 'report.html')).href;
  const stored = sampleComparison();
  const ids = chartsOf(summarise(stored), stored.runs).map(({ id }) => `chart-${id}`);
  let browser: Browser | undefined;

  beforeAll(async () => {
    writeFileSync(join(folder, 'report.html'), renderHtml(stored));
    browser = await Browser.open(program!);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['light and wide', 'light', 1280],
    ['dark and wide', 'dark', 1280],
    ['light and narrow', 'light', 360],
    ['dark and narrow', 'dark', 360],
  ] as const)(
    'draws every chart within the window, %s, without an error or a request',
    async (_, scheme, width) => {
      await browser!.show(url, { width, scheme });
      const { brightness, width: found, charts } = await browser!.evaluate<Seen>(look);

      const [dark, light] =
        scheme === 'dark' ? [brightness.page, brightness.text] : [brightness.text, brightness.page];
      expect(dark).toBeLessThan(60);
      expect(light).toBeGreaterThan(200);

      expect(found.window).toBe(width);
      expect(found.page).toBeLessThanOrEqual(width);

      expect(charts.map(({ id }) => id)).toEqual(ids);
      for (const chart of charts) {
        expect(chart).toMatchObject({ notDrawn: [] });
        expect(chart.height).toBeGreaterThan(100);
      }

      const of = (...methods: string[]) => browser!.events.filter(({ method }) => methods.includes(method));
      expect(of('Runtime.exceptionThrown', 'Runtime.consoleAPICalled', 'Log.entryAdded')).toEqual([]);
      const asked = of('Network.requestWillBeSent').map(
        ({ params }) => (params['request'] as { url: string }).url,
      );
      expect(asked).toEqual([url]);
    },
  );
});
