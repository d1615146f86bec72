import { summarise } from '../summarise.js';
import type { StoredComparison } from '../types.js';
import { changesTable, inWordsChanges } from './changes.js';
import { factsOf } from './facts.js';
import { capacityTable, predictionTable, replicaTable, runTable, type Table } from './tables.js';
import { sayVerdict } from './verdict.js';
import { inWords, referenceInWords } from './words.js';

const plain = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function tableMarkdown({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(plain).join(' | ')} |`;
  const rule = `| ${head.map((_, i) => (i === 0 ? '---' : '---:')).join(' | ')} |`;
  return [
    `## ${title}`,
    '',
    line(head),
    rule,
    ...rows.map(({ cells }) => line(cells.map(({ text }) => text))),
  ].join('\n');
}

/** For pasting into an issue or a chat. */
export function renderMarkdown(stored: StoredComparison, against?: StoredComparison): string {
  const report = summarise(stored);
  const more = [predictionTable(report), capacityTable(report)].filter((table) => table !== null);
  const changes = against && [
    tableMarkdown(changesTable(summarise(against), report)),
    inWordsChanges(summarise(against), report).join('\n\n'),
  ];
  const parts = [
    `# Replicas compared: ${stored.comparison.id}`,
    sayVerdict(report),
    ...inWords(report, stored.runs),
    ...(changes ?? []),
    tableMarkdown(replicaTable(report)),
    `_${referenceInWords}_`,
    ...more.map(tableMarkdown),
    tableMarkdown(runTable(stored.runs)),
    [
      '## Conditions',
      '',
      ...factsOf(stored.comparison).map(([name, value]) => `- ${name}: ${plain(value)}`),
    ].join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}
