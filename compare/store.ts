import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readJson, writeJson } from '../common/json-file.js';
import { resultsFolder } from '../common/paths.js';
import type { CapacityRecord, ComparisonRecord, RunRecord, StoredComparison } from './types.js';

/**
 * The folder of one comparison: `comparison.json`, `runs/<testid>.json`, `capacity.json` and the reports. Each file appears
 * whole or not at all: an interrupted comparison goes on from what is there.
 */
export class ComparisonStore {
  constructor(readonly folder: string) {}

  static at(id: string, results = resultsFolder('loadtest')): ComparisonStore {
    return new ComparisonStore(join(results, id));
  }

  get exists(): boolean {
    return existsSync(join(this.folder, 'comparison.json'));
  }

  create(comparison: ComparisonRecord): void {
    mkdirSync(join(this.folder, 'runs'), { recursive: true });
    writeJson(join(this.folder, 'comparison.json'), comparison);
  }

  saveRun(run: RunRecord): void {
    writeJson(join(this.folder, 'runs', `${run.testid}.json`), run);
  }

  saveCapacity(capacity: CapacityRecord): void {
    writeJson(join(this.folder, 'capacity.json'), capacity);
  }

  runs(): RunRecord[] {
    const files = readdirSync(join(this.folder, 'runs')).filter((name) => name.endsWith('.json'));
    return files
      .map((name) => readJson<RunRecord>(join(this.folder, 'runs', name)))
      .sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  }

  /** @throws when there is no such comparison */
  comparison(): ComparisonRecord {
    if (!this.exists)
      throw new Error(`there is no comparison ${basename(this.folder)}: make comparisons lists them`);
    return readJson<ComparisonRecord>(join(this.folder, 'comparison.json'));
  }

  /** @throws when there is no such comparison */
  load(): StoredComparison {
    const capacity = join(this.folder, 'capacity.json');
    return {
      comparison: this.comparison(),
      runs: this.runs(),
      capacity: existsSync(capacity) ? readJson<CapacityRecord>(capacity) : null,
    };
  }
}

/** Ids of stored comparisons, oldest first. */
export function storedComparisons(results = resultsFolder('loadtest')): string[] {
  if (!existsSync(results)) return [];
  const stored = readdirSync(results).filter((id) => ComparisonStore.at(id, results).exists);
  const started = (id: string) => ComparisonStore.at(id, results).comparison().startedAt;
  return stored.sort((a, b) => started(a).localeCompare(started(b)));
}
