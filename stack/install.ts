import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { explain } from '../common/command-line.js';
import { findDatabase, findProgram, findRedisServer, type DatabaseProgram } from './native/programs.js';

export interface Programs {
  readonly redis: string;
  readonly nginx: string;
  readonly database: DatabaseProgram;
}

interface Found {
  readonly programs: Partial<Programs>;
  /** Debian's names of what is missing. */
  readonly missing: string[];
}

async function look(): Promise<Found> {
  const [redis, nginx, database] = [findRedisServer(), findProgram('nginx'), await findDatabase()];
  return {
    programs: { ...(redis && { redis }), ...(nginx && { nginx }), ...(database && { database }) },
    missing: [
      ...(redis ? [] : ['redis-server']),
      ...(database ? [] : ['mariadb-server']),
      ...(nginx ? [] : ['nginx']),
    ],
  };
}

const advice = (missing: readonly string[]): string =>
  [
    `Native mode needs programs that are not installed: ${missing.join(', ')}.`,
    `  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install -y ${missing.join(' ')}`,
    `  Fedora:          sudo dnf install -y ${missing.join(' ').replace('redis-server', 'redis')}`,
    'The services that these packages start may be stopped: native mode runs its own, on other ports.',
    'Or run it with containers: MODE=compose.',
  ].join('\n');

/** @throws with the commands to install what is missing */
export async function requirePrograms(): Promise<Programs> {
  const { programs, missing } = await look();
  if (missing.length > 0) throw new Error(advice(missing));
  return programs as Programs;
}

function isDebian(): boolean {
  const file = '/etc/os-release';
  return existsSync(file) && /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync(file, 'utf8'));
}

const policyFile = '/usr/sbin/policy-rc.d';

/** Runs while no package may start its service; a policy that is there already stays as it is. */
function withoutStartingServices(work: () => void): void {
  const own = !existsSync(policyFile);
  if (own) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    work();
  } finally {
    if (own) rmSync(policyFile, { force: true });
  }
}

function aptGet(...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', args, { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0;
}

/** Whether the package lists know a version of every one of them. */
function areKnown(packages: readonly string[]): boolean {
  const text = execFileSync('apt-cache', ['policy', ...packages], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  const candidates = [...text.matchAll(/Candidate: (\S+)/g)].filter(([, version]) => version !== '(none)');
  return candidates.length >= packages.length;
}

function installPackages(packages: readonly string[]): boolean {
  const install = () => aptGet('install', '-y', '--no-install-recommends', ...packages);
  // Lists that are there may be too old to fetch from: once more with new ones.
  if (areKnown(packages) && install()) return true;
  return aptGet('update') && install();
}

/**
 * Installs Debian packages on Debian and Ubuntu as root, without letting them start anything.
 *
 * @returns false where that cannot be done, or apt fails
 */
export function installWithApt(packages: readonly string[], report: (line: string) => void): boolean {
  if (!isDebian() || process.getuid?.() !== 0) return false;
  report(`installing ${packages.join(', ')} with apt-get`);
  let installed = false;
  withoutStartingServices(() => {
    installed = installPackages(packages);
  });
  return installed;
}

/**
 * Installs what native mode lacks: on Debian and Ubuntu as root, without letting the packages start anything.
 *
 * @throws with the commands to run, elsewhere or when apt fails
 */
export async function ensurePrograms(report: (line: string) => void): Promise<Programs> {
  const { missing } = await look();
  if (missing.length > 0 && !installWithApt(missing, report)) throw new Error(advice(missing));
  return await requirePrograms();
}

/** Programs that no stack needs, only measurements and tests, with the names of Debian's packages. */
const tools = { influxd: 'influxdb', chromium: 'chromium', wrk: 'wrk', python3: 'python3' } as const;

/**
 * Finds a tool, or installs it on Debian and Ubuntu as root.
 *
 * @throws with the command to run, elsewhere or when apt fails
 */
export function ensureTool(tool: keyof typeof tools, report: (line: string) => void): void {
  if (findProgram(tool)) return;
  const name = tools[tool];
  if (installWithApt([name], report) && findProgram(tool)) return;
  throw new Error(
    `${tool} is not installed. Debian, Ubuntu: sudo apt-get update && sudo apt-get install -y ${name}`,
  );
}

/** Installs the tools that can be installed, and says which could not. */
export function ensureTools(report: (line: string) => void): void {
  for (const tool of Object.keys(tools) as (keyof typeof tools)[]) {
    try {
      ensureTool(tool, report);
    } catch (error) {
      report(`${explain(error)} (what needs it is skipped)`);
    }
  }
}
