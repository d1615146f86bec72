import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../common/paths.js';
import { hasAnsweredEveryone, isScaling, summarise, type Report } from '../summarise.js';
import type { StoredComparison } from '../types.js';
import { changesTable, inWordsChanges } from './changes.js';
import { chartsOf, type ChartSpec } from './charts.js';
import { factsOf } from './facts.js';
import { duration, number, percent, replicas, times } from './format.js';
import { capacityTable, predictionTable, replicaTable, runTable, type Cell, type Table } from './tables.js';
import { sayVerdict } from './verdict.js';
import { inWords, referenceInWords } from './words.js';

const source = (name: string): string =>
  readFileSync(join(projectRoot, 'compare', 'report', 'browser', name), 'utf8');

/** The library as its authors ship it. Its map is not inlined, so the pointer to it goes. */
function chartLibrary(): string {
  const file = join(projectRoot, 'node_modules', 'chart.js', 'dist', 'chart.umd.min.js');
  return readFileSync(file, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character]!);
/** `</script` inside a script would end it. */
const inScript = (text: string): string => text.replaceAll('</', '<\\/');

function cellHtml({ text, tone, align }: Cell): string {
  const names = [tone, align].filter(Boolean).join(' ');
  return `<td${names ? ` class="${names}"` : ''}>${escape(text)}</td>`;
}

function tableHtml({ title, head, rows }: Table): string {
  const side = (column: number) => (rows[0]?.cells[column]?.align ? ' class="left"' : '');
  const headings = head.map((text, i) => `<th scope="col"${side(i)}>${escape(text)}</th>`).join('');
  const body = rows
    .map(
      ({ cells, reference }) =>
        `<tr${reference ? ' class="reference"' : ''}>${cells.map(cellHtml).join('')}</tr>`,
    )
    .join('\n');
  return `<h2>${escape(title)}</h2>\n<div class="card scroll"><table><thead><tr>${headings}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

function chartHtml({ id, title, hint, series }: ChartSpec, wide: boolean): string {
  const said = series.map(
    ({ label, values }) =>
      `${label}: ${values.map((value) => (value === null ? 'none' : number(value))).join(', ')}`,
  );
  return `<figure class="card${wide ? ' wide' : ''}" style="margin:0"><h3>${escape(title)}</h3><p class="hint">${escape(hint)}</p><div class="plot"><canvas id="chart-${id}" role="img" aria-label="${escape(`${title}. ${said.join('; ')}`)}"></canvas></div></figure>`;
}

function figuresHtml(report: Report): string {
  const measured = report.byReplicas.filter(({ tps }) => tps !== null);
  const [first, last] = [measured[0], measured.at(-1)];
  const factor = first && last?.speedup ? last.speedup / first.replicas : null;
  const runs = report.byReplicas.reduce((sum, { valid }) => sum + valid, 0);
  const tiles: (readonly [string, string])[] = [
    [last?.tps ? `${number(last.tps.median)}/s` : '–', `issued at ${last?.replicas ?? '–'} replicas`],
    ...(isScaling(report)
      ? ([
          [times(factor), `the rate of ${first ? replicas(first.replicas) : '–'}`],
          [percent(last?.efficiency ?? null), 'of perfect scaling'],
        ] as const)
      : []),
    [
      duration(last?.latencyMs?.p95 ?? null),
      hasAnsweredEveryone(report) ? 'p95 until the answer' : 'p95 until the answer, of those who got one',
    ],
    // Of what was planned, so that an interrupted comparison does not look whole; repetitions come on top.
    [
      `${runs} of ${Math.max(report.progress.planned, runs + report.invalidRuns.length)}`,
      'runs valid, audit clean',
    ],
  ];
  return `<div class="figures">${tiles.map(([value, label]) => `<div class="card"><strong>${escape(value)}</strong><span>${escape(label)}</span></div>`).join('')}</div>`;
}

const paragraphs = (texts: readonly string[]): string =>
  texts.map((text) => `<p>${escape(text)}</p>`).join('\n');

function factsHtml(stored: StoredComparison): string {
  const entries = factsOf(stored.comparison).map(
    ([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(value)}</dd>`,
  );
  return `<h2>Conditions</h2>\n<dl class="card">${entries.join('\n')}</dl>`;
}

/**
 * One self-contained file: style, data and library are inside, nothing is loaded.
 *
 * @param against an earlier comparison: adds what changed since
 */
export function renderHtml(stored: StoredComparison, against?: StoredComparison): string {
  const report = summarise(stored);
  const charts = chartsOf(report, stored.runs);
  const [first, others] = isScaling(report) ? [charts[0], charts.slice(1)] : [undefined, charts];
  const changes = against && {
    table: changesTable(summarise(against), report),
    words: inWordsChanges(summarise(against), report),
  };
  const more = [predictionTable(report), capacityTable(report)].filter((table) => table !== null);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>Replicas compared: ${escape(stored.comparison.id)}</title>
<style>
${source('style.css')}</style>
</head>
<body>
<main>
<h1>What each replica brought</h1>
<p class="soft">${escape(stored.comparison.id)}</p>
<p class="answer">${escape(sayVerdict(report))}</p>
${first ? `<div class="charts">${chartHtml(first, true)}</div>` : ''}
${figuresHtml(report)}
<section class="card words">${paragraphs(inWords(report, stored.runs))}
<p class="soft">${escape(referenceInWords)}</p></section>
${changes ? `${tableHtml(changes.table)}\n${paragraphs(changes.words)}` : ''}
<h2>Charts</h2>
<div class="charts">
${others.map((chart, index) => chartHtml(chart, index === others.length - 1)).join('\n')}
</div>
${tableHtml(replicaTable(report))}
${more.map(tableHtml).join('\n')}
${tableHtml(runTable(stored.runs))}
${factsHtml(stored)}
</main>
<script type="application/json" id="chart-specs">${JSON.stringify(charts).replaceAll('<', '\\u003c')}</script>
<script>${inScript(chartLibrary())}</script>
<script>${inScript(source('charts.js'))}</script>
</body>
</html>
`;
}
