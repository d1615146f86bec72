import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readCommand, readStartTime } from '../../common/processes.js';
import { waitUntil } from '../../common/wait-until.js';

interface Holder {
  pid: number;
  started: string | undefined;
}

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

const isAlive = (text: string): boolean => {
  const { pid, started } = JSON.parse(text) as Holder;
  return started !== undefined && readStartTime(pid) === started;
};

/** Removes the lock of a process that is gone. Whoever renames it first decides; a lock that is not that one goes back. */
function removeStale(file: string, seen: string): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    if (read(aside) !== seen) linkSync(aside, file);
  } catch {
    // Another command was faster: the next attempt sees what it left.
  }
  rmSync(aside, { force: true });
}

/** One attempt. The file appears with its content in one step (link), so nobody reads a half-written lock. */
function tryLock(file: string): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(
    draft,
    JSON.stringify({ pid: process.pid, started: readStartTime(process.pid) } satisfies Holder),
  );
  try {
    linkSync(draft, file);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Runs the work while this process alone may change the instance. The lock of a process that is gone counts for
 * nothing; another command at work is waited for.
 */
export async function withLock<T>(file: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  let holder = '';
  const locked = () => {
    if (tryLock(file)) return true;
    const seen = read(file);
    if (seen !== undefined && !isAlive(seen)) removeStale(file, seen);
    else if (seen !== undefined) holder = String((JSON.parse(seen) as Holder).pid);
    return false;
  };
  await waitUntil(locked, { what: 'the lock of this stack', timeoutMs }).catch((cause: unknown) => {
    const command = readCommand(Number(holder));
    throw new Error(`another command works on this stack: process ${holder} (${command})`, { cause });
  });
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
