import { execFileSync } from 'node:child_process';

/** The files a child process may open (Node has raised its own soft limit, and children inherit); Infinity without a limit. */
export function openFileLimit(): number {
  const text = execFileSync('/bin/sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  return text === 'unlimited' ? Infinity : Number(text);
}
