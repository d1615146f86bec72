import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { projectRoot } from '../../stack/paths.js';
import type { CapacityRecord, ComparisonRecord, RunRecord, StoredComparison } from './types.js';

const resultsFolder = join(projectRoot, 'loadtest', 'results');

const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;

/** Appears whole or not at all: an interrupted comparison goes on from what is there. */
export function writeWhole(file: string, content: string): void {
  writeFileSync(`${file}.part`, content);
  renameSync(`${file}.part`, file);
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The folder of one comparison: `comparison.json`, `runs/<testid>.json`, `capacity.json` and the reports. */
export class ComparisonStore {
  constructor(readonly folder: string) {}

  static at(id: string, results = resultsFolder): ComparisonStore {
    return new ComparisonStore(join(results, id));
  }

  get exists(): boolean {
    return existsSync(join(this.folder, 'comparison.json'));
  }

  create(comparison: ComparisonRecord): void {
    mkdirSync(join(this.folder, 'runs'), { recursive: true });
    writeWhole(join(this.folder, 'comparison.json'), json(comparison));
  }

  saveRun(run: RunRecord): void {
    writeWhole(join(this.folder, 'runs', `${run.testid}.json`), json(run));
  }

  saveCapacity(capacity: CapacityRecord): void {
    writeWhole(join(this.folder, 'capacity.json'), json(capacity));
  }

  runs(): RunRecord[] {
    const files = readdirSync(join(this.folder, 'runs')).filter((name) => name.endsWith('.json'));
    return files
      .map((name) => read<RunRecord>(join(this.folder, 'runs', name)))
      .sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  }

  /** @throws when there is no such comparison */
  comparison(): ComparisonRecord {
    if (!this.exists)
      throw new Error(`there is no comparison ${basename(this.folder)}: make comparisons lists them`);
    return read<ComparisonRecord>(join(this.folder, 'comparison.json'));
  }

  /** @throws when there is no such comparison */
  load(): StoredComparison {
    const capacity = join(this.folder, 'capacity.json');
    return {
      comparison: this.comparison(),
      runs: this.runs(),
      capacity: existsSync(capacity) ? read<CapacityRecord>(capacity) : null,
    };
  }
}

/** Ids of stored comparisons, oldest first. */
export function storedComparisons(results = resultsFolder): string[] {
  if (!existsSync(results)) return [];
  const stored = readdirSync(results).filter((id) => ComparisonStore.at(id, results).exists);
  const started = (id: string) => ComparisonStore.at(id, results).comparison().startedAt;
  return stored.sort((a, b) => started(a).localeCompare(started(b)));
}
