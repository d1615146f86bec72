import { join } from 'node:path';
import { writeWhole, writeJson } from '../../common/json-file.js';
import type { ComparisonStore } from '../store.js';
import { summarise } from '../summarise.js';
import { renderHtml } from './html.js';
import { renderMarkdown } from './markdown.js';

/**
 * Writes `report.html`, `report.md` and `report.json` from what is stored.
 *
 * @param against an earlier comparison whose figures stand beside these
 * @returns the HTML file
 */
export function writeReport(store: ComparisonStore, against?: ComparisonStore): string {
  const stored = store.load();
  const earlier = against?.load();
  const file = join(store.folder, 'report.html');
  writeWhole(file, renderHtml(stored, earlier));
  writeWhole(join(store.folder, 'report.md'), renderMarkdown(stored, earlier));
  writeJson(join(store.folder, 'report.json'), summarise(stored));
  return file;
}
